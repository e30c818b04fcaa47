"""Heads over a wav2vec 2.0 encoder, one per module; parameters have the names of published weights.

A head maps hidden states to the two logits of spoof and bona fide, and to an embedding. What the
tensors of its weights do not say (how many nodes pooling keeps, what attention scores are divided
by) is as published.
"""
