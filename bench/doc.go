// Package bench measures the core beside gorilla, gobwas, coder, gws, nbio and
// x/net/websocket.
//
// Its tests hold the Go benchmarks of single frames, messages and handshakes,
// all in memory. Below it:
//
//   - load: the load generator, a library without any WebSocket library in it;
//     wsload is its command
//   - echo: the echo servers that are measured, each in a process of its own;
//     echoserver is their command
//   - connbench: whole connections over loopback, and memory of idle ones
//   - deflatebench: DEFLATE for messages, beside klauspost and compress/flate
//   - turns: the order in which the measured take turns
//   - stat: comparison, gate and README tables, on golang.org/x/perf
//   - report: the HTML page
//   - wsbench: the command that runs it all; `make bench` calls it
//
// # Rules of fairness
//
// Each library is measured through the best of its public API (api=best), by
// what its README shows (api=readme) and, where that says something, by other
// ways that have a name of their own. All read the same bytes through the same
// looping reader, which is no bytes.Reader, do the same checks, have the same
// limits and no compression. Times are CPU times of the whole process, garbage
// collection included: who allocates pays for it.
package bench
