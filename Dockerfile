# One image for all services of Plumewatch; `command` says which. See compose.yaml.
FROM python:3.11-slim AS build
WORKDIR /src
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
# What the project runs on changes seldom: a layer of its own.
COPY requirements.lock pyproject.toml ./
COPY deploy/pinned.py deploy/
RUN python deploy/pinned.py requirements.lock --project pyproject.toml > run.txt \
 && python deploy/pinned.py requirements.lock hatchling > build.txt \
 && python -m venv /opt/plumewatch \
 && /opt/plumewatch/bin/python -m pip install --require-hashes --only-binary :all: -r run.txt \
 && python -m venv /opt/build \
 && /opt/build/bin/python -m pip install --require-hashes --only-binary :all: -r build.txt
COPY README.md ./
COPY protos protos
COPY sat_emulator sat_emulator
COPY services services
COPY scenarios scenarios
RUN /opt/build/bin/python -m pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /opt/plumewatch/bin/python -m pip install --no-deps --no-index /wheels/*.whl

FROM python:3.11-slim
COPY --from=build /opt/plumewatch /opt/plumewatch
# numba keeps compiled kernels in /cache; without a place it can write it fails on import. Volumes mounted here and on
# /state take over the owner.
RUN useradd --uid 10001 --create-home plumewatch \
 && mkdir /cache /state \
 && chown plumewatch:plumewatch /cache /state
ENV PATH=/opt/plumewatch/bin:$PATH PYTHONUNBUFFERED=1 NUMBA_CACHE_DIR=/cache
# As services/stack/processes.py has it: freed frames go back at once, and not each thread keeps its own.
ENV MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=1048576
USER plumewatch
WORKDIR /state
ENTRYPOINT ["plumewatch"]
CMD ["--help"]
