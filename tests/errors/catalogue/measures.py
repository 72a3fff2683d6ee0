"""Losses and metrics, called by themselves or written by hand."""

from .mistake import mistake


@mistake("A loss gets predictions of another shape", "(2, 3)", "(2, 4)")
def loss_of_two_shapes(keras, np):
    keras.losses.MeanSquaredError()(np.ones((2, 3)), np.ones((2, 4)))


@mistake("A reduction that does not exist", "'avg'", "'mean'", "'sum_over_batch_size'")
def unknown_reduction(keras, np):
    keras.losses.MeanSquaredError(reduction="avg")


@mistake("A loss's class in place of an object", "MeanSquaredError()(y_true, y_pred)")
def loss_class_called_on_data(keras, np):
    keras.losses.MeanSquaredError(np.ones((2, 3)), np.ones((2, 3)))


@mistake("result of a metric of one's own that lacks it", "result")
def metric_without_result(keras, np):
    class Mine(keras.metrics.Metric):
        def update_state(self, y_true, y_pred, sample_weight=None):
            pass

    Mine().result()


@mistake("A metric without update_state", "update_state")
def metric_without_update_state(keras, np):
    class Mine(keras.metrics.Metric):
        def result(self):
            return 0.0

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], name="net")
    model.compile("sgd", "mse", metrics=[Mine(name="mine")])
    model.fit(np.ones((8, 4)), np.ones((8, 1)), verbose=0)


@mistake("A metric of one's own without super().__init__()", "super().__init__()", "Mine")
def metric_without_super(keras, np):
    class Mine(keras.metrics.Metric):
        def __init__(self):
            self.total = self.add_weight(name="total", initializer="zeros")

    Mine()


@mistake("AUC with a curve that does not exist", "'XY'", "'ROC'", "'PR'")
def unknown_curve(keras, np):
    keras.metrics.AUC(curve="XY")


@mistake("A threshold above 1", "threshold", "2")
def threshold_above_one(keras, np):
    keras.metrics.Precision(thresholds=2.0)


@mistake("MeanIoU without the number of classes", "num_classes")
def mean_iou_without_classes(keras, np):
    keras.metrics.MeanIoU()


@mistake("F1 of labels without a second axis", "(4,)", "(batch, columns)")
def f1_of_a_vector(keras, np):
    keras.metrics.F1Score()(np.array([0.0, 1.0, 1.0, 0.0]), np.array([0.0, 1.0, 0.0, 0.0]))


@mistake("A negative margin", "delta", "-1")
def negative_delta(keras, np):
    keras.losses.Huber(delta=-1)(np.ones((2, 1)), np.zeros((2, 1)))


@mistake("label_smoothing above 1", "label_smoothing", "5")
def label_smoothing_above_one(keras, np):
    keras.losses.CategoricalCrossentropy(label_smoothing=5)(np.ones((2, 3)), np.ones((2, 3)))


@mistake("A loss of one's own with one argument", "my_loss", "y_pred")
def loss_with_one_argument(keras, np):
    def my_loss(y):
        return keras.ops.mean(y)

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], name="net")
    model.compile("sgd", my_loss)
    model.fit(np.ones((8, 4)), np.ones((8, 1)), verbose=0)


@mistake("A loss of one's own that uses NumPy", "NumPy", "lamina.ops")
def loss_in_numpy(keras, np):
    def my_loss(y_true, y_pred):
        return np.mean(np.square(np.asarray(y_true) - np.asarray(y_pred)))

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], name="net")
    model.compile("sgd", my_loss)
    model.fit(np.ones((8, 4)), np.ones((8, 1)), verbose=0)


@mistake("A mistake inside a loss of one's own", "(None, 3)", "(4, 2)", "my_loss")
def mistake_inside_a_loss(keras, np):
    def my_loss(y_true, y_pred):
        return keras.ops.matmul(y_pred, np.ones((4, 2), "float32"))

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)], name="net")
    model.compile("sgd", my_loss)
    model.fit(np.ones((8, 4)), np.ones((8, 3)), verbose=0)
