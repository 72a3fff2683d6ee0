'''ImageDataGenerator on folders of images, in the style of Keras 2.0.'''
import os
import tempfile

import numpy as np
from keras.preprocessing.image import ImageDataGenerator, array_to_img, img_to_array, load_img
from keras.models import Sequential
from keras.layers import Conv2D, MaxPooling2D
from keras.layers import Activation, Dropout, Flatten, Dense
from keras import backend as K

np.random.seed(4)
img_width, img_height = 12, 12
root = tempfile.mkdtemp()
for name, channel in (('cats', 0), ('dogs', 2)):
    os.makedirs(os.path.join(root, name))
    for i in range(12):
        a = np.random.rand(16, 16, 3) * 100
        a[..., channel] += 150
        array_to_img(a, scale=False).save(os.path.join(root, name, '%d.png' % i))

if K.image_data_format() == 'channels_first':
    input_shape = (3, img_width, img_height)
else:
    input_shape = (img_width, img_height, 3)

model = Sequential()
model.add(Conv2D(4, (3, 3), input_shape=input_shape))
model.add(Activation('relu'))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Flatten())
model.add(Dense(8))
model.add(Activation('relu'))
model.add(Dropout(0.1))
model.add(Dense(1))
model.add(Activation('sigmoid'))
model.compile(loss='binary_crossentropy', optimizer='adam', metrics=['accuracy'])

train_datagen = ImageDataGenerator(rescale=1. / 255, shear_range=0.2, zoom_range=0.2, rotation_range=20,
                                   width_shift_range=0.1, horizontal_flip=True, validation_split=0.25)
train_generator = train_datagen.flow_from_directory(root, target_size=(img_width, img_height), batch_size=6,
                                                    class_mode='binary', subset='training', seed=1)
validation_generator = train_datagen.flow_from_directory(root, target_size=(img_width, img_height), batch_size=6,
                                                         class_mode='binary', subset='validation', seed=1)
assert train_generator.class_indices == {'cats': 0, 'dogs': 1}
assert train_generator.samples == 18 and validation_generator.samples == 6
h = model.fit_generator(train_generator, steps_per_epoch=3, epochs=6, verbose=0,
                        validation_data=validation_generator, validation_steps=1, workers=1)
assert h.history['val_acc'][-1] >= 0.5
x = img_to_array(load_img(os.path.join(root, 'cats', '0.png'), target_size=(12, 12)))
assert x.shape == (12, 12, 3) and x[..., 0].mean() > x[..., 1].mean()
