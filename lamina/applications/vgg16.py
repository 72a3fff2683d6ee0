"""VGG16 and what its images need."""

from lamina.applications.imagenet import decode_predictions as decode_predictions
from lamina.applications.imagenet import preprocessing
from lamina.applications.vgg import VGG16 as VGG16

preprocess_input = preprocessing(__name__, "caffe")
