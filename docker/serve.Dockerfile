# A run behind `mtsmart serve`, with torch for processors. Build it from the repository's root:
#
#   docker build -f docker/serve.Dockerfile -t mtsmart-serve .
#   docker run -p 127.0.0.1:8000:8000 -v ./runs/NAME:/model:ro -e MTSMART_SERVE_TOKEN mtsmart-serve
#
# An exported ONNX graph needs no torch: see serve-onnx.Dockerfile.
# The run is mounted at /model. To put it into the image, build another image FROM this one and COPY it there.

FROM python:3.12-slim AS build
RUN python -m venv /opt/mtsmart
# torch comes first and from its own index: the builds on PyPI bring gigabytes of CUDA libraries.
RUN /opt/mtsmart/bin/pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu torch==2.13.0
COPY setup.cfg pyproject.toml README.md LICENSE constraints.txt /source/
COPY mtsmart /source/mtsmart
COPY tasks /source/tasks
COPY experiments /source/experiments
WORKDIR /source
RUN /opt/mtsmart/bin/pip install --no-cache-dir --constraint constraints.txt ".[serve]"

FROM python:3.12-slim
COPY --from=build /opt/mtsmart /opt/mtsmart
ENV PATH=/opt/mtsmart/bin:$PATH \
    HF_HUB_OFFLINE=1 \
    PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
WORKDIR /tmp
EXPOSE 8000
HEALTHCHECK --start-period=60s --interval=10s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=5)"]
ENTRYPOINT ["mtsmart"]
# Others reach a container, so the server asks for a token, unless --without-token stands here as well.
CMD ["serve", "/model", "--host", "0.0.0.0", "--port", "8000"]
