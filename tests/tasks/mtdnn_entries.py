"""One entry of a task file in MT-DNN's form, and the same with a change."""

BASIC = """mine:
  data_format: PremiseOnly
  task_type: Classification
  n_class: 2
  metric_meta: [ACC]
  enable_san: false
"""


def changed(old, new, text=BASIC):
    assert old in text
    return text.replace(old, new)
