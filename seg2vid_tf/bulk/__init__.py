"""Many videos and large evaluations, as pieces of work that any number of processes and machines share."""
