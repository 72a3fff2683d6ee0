"""Packages built on Keras do their main thing on Lamina; `make packages` writes the table of all."""

import json

import package_jobs as packages
import pytest

PAIRS = [(job, backend) for job in packages.TABLE for backend in job.backends]


@pytest.mark.slow
@pytest.mark.parametrize(("job", "backend"), PAIRS, ids=[f"{j.script}-{b}" for j, b in PAIRS])
def test_a_package_does_its_main_thing(job, backend, tmp_path):
    if not (packages.PLACE / ".made").exists():
        pytest.skip("`make packages` makes the environment with the packages")
    found = packages.run(job, backend, packages.PLACE / "bin" / "python", tmp_path)
    assert packages.verdict(found)[0] in ("works", "the package's own"), found


def test_the_table_shows_the_last_run_of_each_job():
    page = packages.PAGE.read_text()
    results = json.loads(packages.RESULTS.read_text())
    assert set(results) <= {f"{job.script}/{backend}" for job, backend in PAIRS}
    for job, backend in PAIRS:
        found = results.get(f"{job.script}/{backend}")
        if found is None:
            assert f"| {backend} | not run |" in page
            continue
        result = packages.verdict(found)[0]
        rows = [line for line in page.splitlines() if line.startswith(f"| {job.package} |")]
        assert any(f"| {backend} | {result} |" in row and found["package"] in row for row in rows), (
            job,
            backend,
        )
        assert result in ("works", "the package's own"), (job, backend, found)


def test_a_word_that_names_no_job_is_refused():
    with pytest.raises(SystemExit, match="Unknown: keras-bub"):
        packages.chosen(["keras-bub"])
    assert packages.chosen(["hgq2", "torch"]) == [(packages.TABLE[-2], "torch")]
