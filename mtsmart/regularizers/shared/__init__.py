"""What regularisers are made of: base class, hooks, clean pass, perturbations, noise, averages, pretrained weights."""
