from tests.integration.test_locks import abandon, gated, lease_is_over
from tests.support.salt_lab import Lab
from tests.support.waiting import wait_until


def test_resume_while_the_hosts_job_still_runs(lab: Lab) -> None:
    module = gated(lab, "hasty")
    number = abandon(lab, module)
    wait_until(lambda: lease_is_over(lab, module), "the end of the lease")
    answer = lab.run("pushguide.resume", None, str(number))
    lab.health.open("hasty")
    wait_until(lambda: module.journal("w1")["outcome"], "the end of the host's job")
    print(answer.returncode, answer.data, lab.show(number), module.live("w1"), module.journal("w1"))
    st = lab.run("pushguide.status")
    print(st.data)
    nxt = module.deploy("1.1.0")
    print(nxt.returncode, nxt.data)
    assert 0
