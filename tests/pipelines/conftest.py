from pathlib import Path

import pytest

from tests.pipelines.material import Commons, three_partners


@pytest.fixture
def commons(tmp_path: Path) -> Commons:
    return three_partners(tmp_path)
