"""Extensions of mtsmart, one of each kind; docs/extending.md explains them."""
