"""What benchmarks and scenarios measure with: input of known content, paced or held back, and CPU quotas."""
