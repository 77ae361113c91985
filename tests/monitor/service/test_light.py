"""A process that does not need pandas does not load it; the processes it starts may."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import subprocess, sys
import numpy as np, pyarrow as pa
from monitor.service.light import live_small
live_small()
assert pa.default_memory_pool().backend_name == "system"
table = pa.table({"x": pa.array(np.arange(3)), "t": pa.array(np.array(["2024-01-01"], "datetime64[us]").repeat(3))})
assert table.column("x").to_numpy().sum() == 3
assert table.column("t").chunk(0).to_numpy(zero_copy_only=False)[0] == np.datetime64("2024-01-01")
assert len(table.to_pylist()) == 3
assert not [name for name in sys.modules if name.startswith("pandas.")]
from scipy.special import ndtr
assert "scipy.special" in sys.modules and ndtr(0.0) == 0.5
assert not {"numpy.f2py", "numpy.testing", "numpy.random"} & set(sys.modules)
assert np.random.default_rng(0).random() < 1 and np.ma.masked_array([1]).sum() == 1, "what is used comes"
try:
    import pandas
except ImportError:
    print("without", flush=True)
subprocess.run([sys.executable, "-c", "import pandas; print('with')"], check=True)
"""


def test_arrow_works_without_pandas_and_children_have_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False
    )
    assert (done.stdout.split(), done.stderr) == (["without", "with"], "")


def test_where_pandas_is_loaded_already_it_stays() -> None:
    loads = "import pandas; from monitor.service.light import without_pandas"
    program = f"{loads}; assert not without_pandas(); import pandas.core"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
