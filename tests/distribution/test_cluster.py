"""The files of `examples/cluster`, by the variables that they set."""

import pathlib
import re

import pytest

from lamina.distribution.world import READERS, World, world

CLUSTER = pathlib.Path(__file__).parents[2] / "examples" / "cluster"


def test_the_pods_of_the_job_set_know_who_they_are():
    """As the controller makes them: labels by replicated job and job, and Kubernetes' number of the pod."""
    yaml = pytest.importorskip("yaml")
    given = yaml.safe_load((CLUSTER / "jobset.yaml").read_text())
    assert (given["apiVersion"], given["kind"]) == ("jobset.x-k8s.io/v1alpha2", "JobSet")
    (group,) = given["spec"]["replicatedJobs"]
    job = group["template"]["spec"]
    assert job["completionMode"] == "Indexed"
    assert job["parallelism"] == job["completions"]
    pod = job["template"]["spec"]
    (container,) = pod["containers"]
    assert {m["name"] for m in container["volumeMounts"]} == {v["name"] for v in pod["volumes"]}
    name, found = given["metadata"]["name"], []
    for index in range(group["replicas"]):
        labels = {
            "jobset-name": name, "replicatedjob-name": group["name"], "job-index": str(index),
            "replicatedjob-replicas": str(group["replicas"]),
        }  # fmt: skip
        for number in range(job["completions"]):
            env = {"JOB_COMPLETION_INDEX": str(number)}
            env |= {one["name"]: _value(one, labels) for one in container["env"]}
            found.append(world(env))
    count = group["replicas"] * job["completions"]
    port = container["ports"][0]["containerPort"]
    # the name of a pod: set, group, job, pod; the service of the set has its name
    address = f"{name}-{group['name']}-0-0.{name}:{port}"
    assert found == [World(address, count, rank, "JobSet") for rank in range(count)]


def _value(one, labels):
    if "value" in one:
        return one["value"]
    key = re.fullmatch(
        r"metadata\.labels\['jobset\.sigs\.k8s\.io/(.*)'\]", one["valueFrom"]["fieldRef"]["fieldPath"]
    )
    return labels[key[1]]


def test_what_the_batch_file_of_slurm_starts_is_read_by_its_variables():
    text = (CLUSTER / "slurm.sh").read_text()
    asked = dict(re.findall(r"^#SBATCH --([\w-]+)=(\S+)$", text, re.MULTILINE))
    tasks = int(asked["nodes"]) * int(asked["ntasks-per-node"])
    for rank in range(tasks):
        env = {
            "SLURM_JOB_ID": "7", "SLURM_NTASKS": str(tasks), "SLURM_PROCID": str(rank), "SLURM_STEP_NODELIST": "gpu[1-2]",
        }  # fmt: skip
        assert world(env)[1:4] == (tasks, rank, "Slurm")
    assert re.search(r"^srun .*python train\.py", text, re.MULTILINE)  # which alone numbers the tasks
    assert list(READERS).index("torchrun") < list(READERS).index("Slurm")  # torchrun inside of srun is meant
