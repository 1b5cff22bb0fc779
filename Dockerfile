# wsproof as a static binary in an empty image, run by nobody, for amd64 and arm64:
#
#   docker build -t wsproof .
#   docker run --rm --network host wsproof test ws://127.0.0.1:9001/
#
# Reports go to a folder that is mounted, and written by who owns it:
#
#   docker run --rm --network host --user "$(id -u)" -v "$PWD/report:/report" wsproof test -o /report ws://…
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETARCH
RUN CGO_ENABLED=0 GOARCH=$TARGETARCH go build -trimpath -ldflags="-s -w" -o /wsproof .

FROM scratch
# Who may sign the certificates of servers by wss.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /wsproof /wsproof
USER 65534:65534
ENTRYPOINT ["/wsproof"]
