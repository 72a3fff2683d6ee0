"""Preprocessing, pictures and text."""

from .mistake import mistake


@mistake("TextVectorization before adapt", "adapt", "'words'")
def text_before_adapt(keras, np):
    keras.layers.TextVectorization(name="words")(np.array(["a b c"]))


@mistake("StringLookup without a vocabulary", "vocabulary", "adapt")
def lookup_without_vocabulary(keras, np):
    keras.layers.StringLookup(name="words")(np.array(["a", "b"]))


@mistake("A vocabulary with a word twice", "'a'", "more than once")
def vocabulary_with_a_word_twice(keras, np):
    keras.layers.StringLookup(vocabulary=["a", "b", "a"])


@mistake("A word that is not in the vocabulary, without room for unknown ones", "'c'", "num_oov_indices")
def word_without_a_place(keras, np):
    keras.layers.StringLookup(vocabulary=["a", "b"], num_oov_indices=0)(np.array(["c"]))


@mistake("Normalization before adapt", "adapt", "mean")
def normalization_before_adapt(keras, np):
    keras.layers.Normalization(name="norm")(np.ones((2, 3)))


@mistake("Normalization with a mean and no variance", "mean", "variance")
def mean_without_variance(keras, np):
    keras.layers.Normalization(mean=1.0)


@mistake("A vocabulary size below what is needed", "max_tokens", "1")
def vocabulary_too_small(keras, np):
    keras.layers.TextVectorization(max_tokens=1)


@mistake("An output mode that does not exist", "'onehot'", "'one_hot'")
def unknown_output_mode(keras, np):
    keras.layers.IntegerLookup(vocabulary=[1, 2], output_mode="onehot")


@mistake("A factor that is out of range", "factor", "-2")
def rotation_out_of_range(keras, np):
    keras.layers.RandomZoom(height_factor=(-2.0, 3.0))


@mistake("RandomFlip in a direction that does not exist", "'sideways'", "'horizontal'")
def unknown_flip(keras, np):
    keras.layers.RandomFlip("sideways")


@mistake("Resizing without a width", "width")
def resizing_without_width(keras, np):
    keras.layers.Resizing(32)


@mistake("Pictures of a folder that is not there", "'nowhere'")
def pictures_of_a_missing_folder(keras, np):
    keras.utils.image_dataset_from_directory("nowhere")


@mistake("A picture of the wrong rank is saved", "rank 3", "(4, 4, 3, 3)")
def picture_of_a_wrong_rank(keras, np):
    keras.utils.array_to_img(np.ones((4, 4, 3, 3)))


@mistake("pad_sequences of sequences that are numbers", "sequences")
def pad_sequences_of_numbers(keras, np):
    keras.utils.pad_sequences([1, 2, 3])


@mistake("Hashing without bins", "num_bins")
def hashing_without_bins(keras, np):
    keras.layers.Hashing()


@mistake("Discretization without boundaries", "bin_boundaries", "num_bins")
def discretization_without_boundaries(keras, np):
    keras.layers.Discretization()


@mistake("Boxes in a format that does not exist", "'xyxw'", "'xyxy'")
def unknown_box_format(keras, np):
    keras.utils.bounding_boxes.convert_format(np.ones((1, 4)), source="xyxw", target="xyxy")
