"""What regularisers are made of: the base class, the clean pass, perturbations, noise, a moving-average teacher."""
