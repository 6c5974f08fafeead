"""The rollout: from what somebody wishes to the verdict on every host."""
