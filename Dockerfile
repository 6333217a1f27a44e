# mltui with what it calls: git, ssh. `make image` builds it from the wheel in dist/.
#   docker run --rm -it -v /var/run/docker.sock:/var/run/docker.sock -v ~/.kube:/root/.kube:ro \
#     -v "$PWD":/work mltui
ARG BASE=debian:bookworm-slim
FROM ${BASE} AS build
ARG PIP_INDEX_URL=https://pypi.org/simple
RUN command -v python3 >/dev/null && python3 -m venv --help >/dev/null 2>&1 \
    || { apt-get update && apt-get install -y --no-install-recommends python3 python3-venv; }
COPY dist/*.whl /tmp/
RUN python3 -m venv /opt/mltui && /opt/mltui/bin/pip install --no-cache-dir /tmp/*.whl

FROM ${BASE}
RUN { command -v python3 && command -v git && command -v ssh; } >/dev/null \
    || { apt-get update \
      && apt-get install -y --no-install-recommends python3 git openssh-client ca-certificates \
      && rm -rf /var/lib/apt/lists/*; }
COPY --from=build /opt/mltui /opt/mltui
ENV PATH=/opt/mltui/bin:$PATH LC_ALL=C.UTF-8
WORKDIR /work
ENTRYPOINT ["mltui"]
