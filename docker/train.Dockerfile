# Trains runs. Build it from the repository's root:
#
#   docker build -f docker/train.Dockerfile -t mtsmart-train .
#   docker run --gpus all --user "$(id -u):$(id -g)" -v .:/work mtsmart-train train my_experiment.yaml
#
# The image has torch with CUDA, as PyPI has it. For processors alone, add to the build:
#   --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cpu

FROM python:3.12-slim
ARG TORCH_INDEX=https://pypi.org/simple
RUN python -m venv /opt/mtsmart
RUN /opt/mtsmart/bin/pip install --no-cache-dir --index-url "$TORCH_INDEX" torch==2.13.0
COPY setup.cfg pyproject.toml README.md LICENSE constraints.txt /source/
COPY mtsmart /source/mtsmart
COPY tasks /source/tasks
COPY experiments /source/experiments
WORKDIR /source
RUN /opt/mtsmart/bin/pip install --no-cache-dir --constraint constraints.txt ".[plots,peft,tensorboard]"
# Encoders and encoded rows are kept in the mounted folder, so that the next container finds them.
ENV PATH=/opt/mtsmart/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    HF_HOME=/work/.cache/huggingface \
    MTSMART_CACHE_DIR=/work/.cache/mtsmart
USER 65532:65532
WORKDIR /work
ENTRYPOINT ["mtsmart"]
CMD ["--help"]
