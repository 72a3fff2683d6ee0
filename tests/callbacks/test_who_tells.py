"""Who tells of training where several processes train together."""

import numpy as np

import lamina


def test_of_several_processes_the_first_one_tells(monkeypatch, capsys):
    model = lamina.Sequential([lamina.Input((2,)), lamina.layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.ones((4, 2), "float32"), np.ones((4, 1), "float32")
    stop = lamina.callbacks.EarlyStopping("loss", mode="max", patience=0, verbose=1)
    for rank in (0, 1):
        for module in ("progress", "message"):
            monkeypatch.setattr(f"lamina.callbacks.{module}.processes", lambda rank=rank: (rank, 2))
        model.fit(x, y, epochs=3, verbose=2, callbacks=[stop])
        printed = capsys.readouterr().out
        assert ("Epoch 1/3" in printed, "stop" in printed.lower()) == (
            (True, True) if rank == 0 else (False, False)
        )
