"""The time after release: monitor.*, feedback.*, retrain.*, rollout.*, promotion.*, capacity.* and slo.*"""
