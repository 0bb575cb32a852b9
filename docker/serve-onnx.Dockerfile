# An exported ONNX graph behind `mtsmart serve`, without torch, transformers and datasets. Build it from the repository's root:
#
#   docker build -f docker/serve-onnx.Dockerfile -t mtsmart-serve-onnx .
#   docker run -p 127.0.0.1:8000:8000 -v ./exported:/model:ro -e MTSMART_SERVE_TOKEN mtsmart-serve-onnx
#
# The folder that `mtsmart export --format onnx` has written is mounted at /model. To put it into the image, build
# another image FROM this one and COPY it there.

FROM python:3.12-slim AS build
RUN python -m venv /opt/mtsmart
COPY setup.cfg pyproject.toml README.md LICENSE constraints.txt /source/
COPY mtsmart /source/mtsmart
COPY tasks /source/tasks
COPY experiments /source/experiments
WORKDIR /source
# What the server imports for a graph. A test serves one where nothing else can be imported.
RUN /opt/mtsmart/bin/pip install --no-cache-dir --constraint constraints.txt \
    numpy tokenizers onnxruntime fastapi uvicorn prometheus-client typer rich pydantic
# Without what mtsmart needs to train: other commands of this image end with an error.
RUN /opt/mtsmart/bin/pip install --no-cache-dir --no-deps .

FROM python:3.12-slim
COPY --from=build /opt/mtsmart /opt/mtsmart
ENV PATH=/opt/mtsmart/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
WORKDIR /tmp
EXPOSE 8000
HEALTHCHECK --start-period=60s --interval=10s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=5)"]
ENTRYPOINT ["mtsmart"]
# Others reach a container, so the server asks for a token, unless --without-token stands here as well.
CMD ["serve", "/model", "--host", "0.0.0.0", "--port", "8000"]
