import os
from hypothesis import settings, Phase, HealthCheck, seed
from hypothesis.stateful import run_state_machine_as_test
from tests.properties.test_ledger_machine_programmes import TwoLedgers
from tests.support.shaped_ledger import Room
import pytest
@pytest.mark.timeout(0)
def test_drive(database_url):
    class Bound(TwoLedgers):
        room = Room(database_url)
    ph=[Phase.generate]+([Phase.shrink] if os.environ.get("SHRINK") else [])
    st=settings(max_examples=int(os.environ.get("N","10")), stateful_step_count=int(os.environ.get("STEPS","30")), phases=ph, report_multiple_bugs=False, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    try: run_state_machine_as_test(Bound, settings=st)
    finally: Bound.room.close()
