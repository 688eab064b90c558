from tidegate.elasticity import OF_REPLICAS, PERCENTAGES, Metric, ScalingPolicy


def test_percentages_are_measured_at_replicas():
    assert PERCENTAGES < OF_REPLICAS < set(Metric)


def test_what_is_not_said_is_what_the_original_system_documents():
    policy = ScalingPolicy()
    assert (policy.least, policy.most, policy.step, policy.periods, policy.period_seconds) == (1, 10, 1, 3, 60.0)
