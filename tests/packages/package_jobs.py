"""`make packages`: what packages built on Keras do on Lamina, each job beside the same script on the real Keras.

    python tests/packages/package_jobs.py [words of packages or jobs]    runs them and writes the table of docs/packages.md
    python tests/packages/package_jobs.py --install                      makes the environment only
    python tests/packages/package_jobs.py --alone [words]                without the real Keras where it has not run yet

The environment, `.venv-packages`, lies on top of the one that runs this script: what is there (Keras, frameworks, NumPy) is
used and not replaced. Each job runs first with the real Keras, which leaves its weights and numbers in a folder, then under
`lamina run`, which starts from these weights and must come to the same numbers.
"""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import venv
from typing import Any, NamedTuple

import numpy as np

ROOT = pathlib.Path(__file__).parents[2]
PLACE = ROOT / ".venv-packages"
JOBS = pathlib.Path(__file__).parent / "jobs"
PAGE = ROOT / "docs" / "packages.md"
RESULTS = pathlib.Path(__file__).parent / "results.json"  # of the last run of each job
SECONDS = 1500


class Job(NamedTuple):
    """A script of `jobs/`.

    Args:
        package: On the package registry.
        script: Its name in `jobs/`.
        backends: Where it runs.
        needs: A module without which the package cannot do this.
    """

    package: str
    script: str
    backends: tuple[str, ...] = ("jax",)
    needs: str = ""


TABLE = (
    Job("keras-hub", "bert_classifier", ("jax", "torch"), needs="tensorflow_text"),
    Job("keras-hub", "gpt2_generation", ("jax", "torch")),
    Job("keras-hub", "vit_backbone", ("jax", "torch")),
    Job("keras-hub", "resnet_backbone", ("jax", "torch")),
    Job("keras-tuner", "tuner_search", ("jax", "torch")),
    Job("scikeras", "sklearn_pipeline", ("jax", "torch")),
    Job("keras-rs", "retrieval", ("jax", "torch")),
    Job("bayesflow", "posterior", ("jax", "torch")),
    Job("autokeras", "auto_classifier", ("jax",)),
    Job("keras-tcn", "temporal_convolution", ("jax", "torch", "tensorflow")),
    Job("kapre", "spectrogram", ("tensorflow",)),
    Job("deel-lip", "lipschitz", ("tensorflow",)),
    Job("hgq2", "quantised", ("jax", "torch")),
    Job("keras-self-attention", "self_attention", ("jax", "torch", "tensorflow")),
)
# What the packages need beside Keras, its frameworks and each other; tensorflow-text must not bring a TensorFlow along.
BESIDE = (
    "dm-tree", "kagglehub", "kagglesdk==0.1.28", "kt-legacy", "librosa", "quantizers>=1.2.2", "regex", "seaborn",
    "sentencepiece", "tokenizers", "tqdm",
)  # fmt: skip
ALONE = ("tensorflow-text",)


# -- the environment ---------------------------------------------------------------------------------------------------


def install() -> pathlib.Path:
    """The Python of the environment, which is made where it is not there."""
    python = PLACE / "bin" / "python"
    done = PLACE / ".made"
    wanted = "\n".join([*BESIDE, *ALONE, *dict.fromkeys(job.package for job in TABLE)])
    if done.exists() and done.read_text() == wanted:
        return python
    venv.create(PLACE, with_pip=True)
    site = next(PLACE.glob("lib/python*/site-packages"))
    (site / "base.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [python, "-m", "pip", "install", "--quiet", *shlex.split(os.environ.get("PIP_FLAGS", ""))]
    before = _versions(python)
    subprocess.run([*pip, "--no-deps", *dict.fromkeys(job.package for job in TABLE)], check=True)
    subprocess.run([*pip, *BESIDE], check=True)
    if subprocess.run([*pip, "--no-deps", *ALONE], check=False).returncode:
        print("tensorflow-text cannot be installed: keras-hub runs without its tokenizers.")
    changed = [name for name, version in before.items() if _versions(python).get(name) != version]
    if changed:
        raise SystemExit(f"pip replaced {', '.join(changed)}, which the packages must take as they are.")
    done.write_text(wanted)
    return python


def _versions(python: pathlib.Path) -> dict[str, str]:
    """The versions that the environment sees of what the packages must take as it is."""
    code = (
        "import importlib.metadata as m, json; print(json.dumps({d.name: d.version for d in m.distributions() "
        "if d.name in ('keras', 'numpy', 'jax', 'torch', 'tensorflow_cpu', 'tensorflow', 'h5py', 'scikit-learn')}))"
    )
    return json.loads(subprocess.run([python, "-c", code], check=True, capture_output=True).stdout)


def version_of(python: pathlib.Path, package: str) -> str:
    """The installed version of a package, "" if it is not installed."""
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    return subprocess.run([python, "-c", code], check=False, capture_output=True, text=True).stdout.strip()


# -- one job -----------------------------------------------------------------------------------------------------------


def run(
    job: Job, backend: str, python: pathlib.Path, folder: pathlib.Path, *, alone: bool = False
) -> dict[str, Any]:
    """Run a job with the real Keras and with Lamina, and compare.

    What the real Keras gave is kept in the folder, and taken from there as long as script and versions are the same.

    Args:
        job: The job.
        backend: Where it runs.
        python: The environment's.
        folder: Where both sides meet.
        alone: Whether the real Keras is left out where nothing of it is kept.

    Returns:
        What came of it: "keras" and "lamina" (a summary or an error each), "keras_ok", "lamina_ok", "compared" (how many
        numbers), "differ" (a list), and the versions "package" and "version" (Keras's).
    """
    versions = {"package": version_of(python, job.package), "version": version_of(python, "keras")}
    stamp = hashlib.sha256(
        b"".join([*_texts(job.script), json.dumps([versions, backend]).encode()])
    ).hexdigest()
    kept = folder / "kept.json"
    if kept.exists() and json.loads(kept.read_text())["stamp"] == stamp:
        theirs = json.loads(kept.read_text())
    else:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        ok, said = (None, "") if alone else _side([], job, backend, python, folder)
        theirs = {"stamp": stamp, "keras_ok": ok, "keras": said}
        if not alone:
            kept.write_text(json.dumps(theirs))
    ok, said = _side(["-m", "lamina", "run"], job, backend, python, folder)
    compared, differ = _compare(folder) if theirs["keras_ok"] and ok else (0, [])
    found = {"keras": theirs["keras"], "keras_ok": theirs["keras_ok"], "lamina": said, "lamina_ok": ok}
    return {**found, **versions, "compared": compared, "differ": differ}


def _texts(script: str) -> list[bytes]:
    """A script of `jobs/`, and those that it imports."""
    text = (JOBS / f"{script}.py").read_bytes()
    named = re.findall(r"^from (\w+) import", text.decode(), re.MULTILINE)
    return [text, *(inner for name in named if (JOBS / f"{name}.py").exists() for inner in _texts(name))]


def _side(
    start: list[str], job: Job, backend: str, python: pathlib.Path, folder: pathlib.Path
) -> tuple[bool, str]:
    """Whether one side went through, and its summary or error."""
    names = {
        "KERAS_BACKEND": backend,
        "LAMINA_BACKEND": backend,
        "PYTHONPATH": str(ROOT),
        "CUDA_VISIBLE_DEVICES": "",
    }
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore", "MPLBACKEND": "agg"}
    command = [str(python), *start, str(JOBS / f"{job.script}.py"), str(folder)]
    try:
        done = subprocess.run(
            command, env=os.environ | names | quiet, cwd=folder, capture_output=True, text=True, check=False,
            timeout=SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return False, f"not done after {SECONDS} s"
    if done.returncode == 0:
        return True, done.stdout.strip().splitlines()[-1].partition(": ")[2]
    lines = [x for x in done.stderr.splitlines() if re.match(r"[\w.]*(Error|Exception|Interrupt)\b", x)]
    return False, (lines or done.stderr.strip().splitlines() or ["no message"])[-1][:300]


def _compare(folder: pathlib.Path) -> tuple[int, list[str]]:
    """How many numbers were compared, and which differ by more than their tolerance."""
    theirs, ours = (np.load(folder / f"{who}.npz") for who in ("keras", "lamina"))
    tolerances = json.loads((folder / "lamina.json").read_text())["tolerances"]
    differ = sorted(set(theirs.files) ^ set(ours.files))
    for name in sorted(set(theirs.files) & set(ours.files)):
        a, b = theirs[name], ours[name]
        if a.shape != b.shape:
            differ.append(f"{name}: shapes {a.shape} and {b.shape}")
            continue
        far = np.abs(a.astype("float64") - b.astype("float64")).max() / max(np.abs(a).max(), 1e-8)
        if not far <= tolerances[name]:
            differ.append(f"{name}: off by {far:.1e} of the largest")
    return sum(theirs[name].size for name in theirs.files), differ


# -- the table ---------------------------------------------------------------------------------------------------------


def verdict(found: dict[str, Any]) -> tuple[str, str]:
    """The result and the reason, for the table."""
    if found["lamina_ok"] and found["differ"]:
        return "differs", "; ".join(found["differ"])
    if found["lamina_ok"] and found["keras_ok"]:
        return "works", f"{found['compared']} numbers equal to Keras" if found["compared"] else ""
    if found["lamina_ok"] and found["keras_ok"] is None:
        return "works", "the real Keras was not run beside it yet"
    if found["lamina_ok"]:
        return "works", f"Keras {found['version']} itself fails: {found['keras']}"
    if found["keras_ok"] is False:
        return "the package's own", f"the real Keras fails, too: {found['keras']}"
    return "fails", found["lamina"]


def write_table(results: dict[str, dict[str, Any]]) -> None:
    """The table between the marks of docs/packages.md, from the last run of each job."""
    lines = [
        "| package | version | what was run | backend | result | reason, or what was measured |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for job in TABLE:
        said = re.search(r'"""(?:[\w-]+): (.*?)"""', (JOBS / f"{job.script}.py").read_text(), re.DOTALL)
        what = said[1].strip().rstrip(".") if said else job.script
        for backend in job.backends:
            found = results.get(f"{job.script}/{backend}")
            if found is None:
                lines.append(f"| {job.package} | | {what} | {backend} | not run | |")
                continue
            result, reason = verdict(found)
            told = "; ".join(x for x in (found["lamina"] if found["lamina_ok"] else "", reason) if x)
            told = told.replace("|", "/").replace("\n", " ")
            lines.append(f"| {job.package} | {found['package']} | {what} | {backend} | {result} | {told} |")
    page = PAGE.read_text()
    start, end = "<!-- table -->\n", "<!-- end of table -->"
    before, rest = page.split(start)
    PAGE.write_text(before + start + "\n".join(lines) + "\n" + end + rest.split(end)[1])


def chosen(words: list[str]) -> list[tuple[Job, str]]:
    """The jobs that the words name, with their backends; all without words.

    Raises:
        SystemExit: if a word names none.
    """
    pairs = [(job, backend) for job in TABLE for backend in job.backends]
    known = {x for job, backend in pairs for x in (job.package, job.script, backend)}
    if unknown := set(words) - known:
        raise SystemExit(f"Unknown: {', '.join(sorted(unknown))}. Known: {', '.join(sorted(known))}.")
    named = [w for w in words if w not in ("jax", "torch", "tensorflow", "numpy")]
    return [
        (job, backend)
        for job, backend in pairs
        if (not named or job.package in named or job.script in named)
        and (len(named) == len(words) or backend in words)
    ]


def main(words: list[str]) -> int:
    python = install()
    if words == ["--install"]:
        return 0
    alone = "--alone" in words
    words = [word for word in words if word != "--alone"]
    bad = []
    for job, backend in chosen(words):
        found = run(job, backend, python, PLACE / "runs" / job.script / backend, alone=alone)
        results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        results[f"{job.script}/{backend}"] = found
        result, reason = verdict(found)
        print(f"{job.package} {job.script} {backend}: {result}. {found['lamina']}. {reason}", flush=True)
        if result in ("fails", "differs"):
            bad.append(f"{job.script}/{backend}")
        RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
        write_table(results)
    print(f"failed: {', '.join(bad)}" if bad else "all work, or fail with the real Keras, too")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
