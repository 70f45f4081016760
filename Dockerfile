# syntax=docker/dockerfile:1
# One image for every service of the runtime and for the `rollcall` command; `command:` says which.
#
# PYTHON takes a tag or, for a build that can be repeated bit by bit, a tag with its digest:
#   docker build --build-arg PYTHON=3.11-slim-bookworm@sha256:... .
ARG PYTHON=3.11-slim-bookworm

# Everything that is needed to install: pip, the build backend. Nothing of it is in the final stage.
FROM python:${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore SOURCE_DATE_EPOCH=1767225600
RUN python -m venv /opt/rollcall
WORKDIR /source
COPY requirements/image.txt requirements/
RUN /opt/rollcall/bin/pip install -q --require-hashes --only-binary :all: -r requirements/image.txt
COPY pyproject.toml README.md ./
COPY libs libs
COPY services services
# --no-deps: the pins above are all there is. Embedded servers are left out: here, servers are containers.
RUN /opt/rollcall/bin/pip install -q --no-deps --no-build-isolation . \
 && /opt/rollcall/bin/pip uninstall -q -y hatchling editables trove-classifiers pip setuptools \
 && find /opt/rollcall -name tests -path '*/site-packages/*' -prune -exec rm -rf {} + \
 && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/rollcall/lib

FROM python:${PYTHON}
LABEL org.opencontainers.image.title=rollcall org.opencontainers.image.licenses=Apache-2.0
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin rollcall
COPY --from=build /opt/rollcall /opt/rollcall
ENV PATH=/opt/rollcall/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    ROLLCALL_HTTP_HOST=0.0.0.0 ROLLCALL_HTTP_PORT=8000
WORKDIR /tmp
USER 10001:10001
EXPOSE 8000
# There is no curl here, and none is needed.
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=6 CMD ["python", "-c", \
  "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['ROLLCALL_HTTP_PORT'] + '/healthz/ready', timeout=2)"]
CMD ["essay-lifecycle-service", "run"]
