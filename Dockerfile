# Images of the services, built by BuildKit, as docker compose does:
#
#   augmenter  the static program and nothing else; also what asks and looks (selfstream run, runs, …)
#   trainer    with XLA for the processor; also for the evaluator
#   cuda       the trainer with XLA for an NVIDIA GPU
#
# The augmenter's program has the same bytes wherever a commit is built.
#
# Build arguments: VERSION, what "selfstream version" says (default: git describe);
# XLA=none leaves XLA for the processor out, where GitHub cannot be reached: the
# Go backend computes then.
ARG XLA=cpu

FROM golang:1.26.8-bookworm AS modules
WORKDIR /src
ENV GOTOOLCHAIN=local GOFLAGS="-trimpath -buildvcs=false"
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download

FROM modules AS source
COPY . .
ARG VERSION
RUN echo "${VERSION:-$(git describe --tags --always --dirty || echo unknown)}" > VERSION

FROM source AS static
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 make build TAGS=noservers,noxla LDFLAGS="-s -w -X main.stamped=$(cat VERSION)"

FROM source AS dynamic
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    make build TAGS=noservers LDFLAGS="-s -w -X main.stamped=$(cat VERSION)"

# XLA's plugins depend on the installer alone, not on the rest of the source.
FROM modules AS installer
COPY stages/backend stages/backend

FROM installer AS xla-none
RUN mkdir -p /usr/local/lib/go-xla

FROM installer AS xla-cpu
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache \
    go run ./stages/backend/install xla:cpu /usr/local/lib

FROM installer AS xla-cuda
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache \
    go run ./stages/backend/install xla:cuda /usr/local/lib

FROM xla-${XLA} AS xla

FROM scratch AS augmenter
COPY --from=static /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=static /src/selfstream /usr/local/bin/
ENV SELFSTREAM_HOST=0.0.0.0 SELFSTREAM_HTTP_PORT=8080
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/selfstream"]
CMD ["augmenter"]

FROM debian:12.12-slim AS trainer
COPY --from=dynamic /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=xla /usr/local/lib/go-xla /usr/local/lib/go-xla
COPY --from=dynamic /src/selfstream /usr/local/bin/
ENV SELFSTREAM_HOST=0.0.0.0 SELFSTREAM_HTTP_PORT=8080
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/selfstream"]
CMD ["trainer"]

FROM trainer AS cuda
COPY --from=xla-cuda /usr/local/lib/go-xla /usr/local/lib/go-xla
ENV LD_LIBRARY_PATH=/usr/local/lib/go-xla/nvidia/cu13/lib \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
