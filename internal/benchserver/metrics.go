package benchserver

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/wsproof/wsproof/internal/cli"
	"github.com/wsproof/wsproof/internal/engine/serve"
)

// Metrics are what /metrics exports and the status page draws. Messages and
// bytes are no counters of Prometheus's: each connection counts its own and a
// collector adds them up when it is asked, so that connections share no cache
// line on the message path.
type metrics struct {
	registry  *prometheus.Registry
	handshake prometheus.Histogram
	closes    *prometheus.CounterVec // by code
	failures  *prometheus.CounterVec // by kind
	refused   *prometheus.CounterVec // by status

	normal, empty, gone prometheus.Counter // of closes: how load tests end, by codes 1000, 1005, 1006

	// Sums of the vectors, for rates. Each is added to last: who sees a sum sees
	// what it sums up.
	openedSum, closedSum, refusedSum atomic.Uint64
}

func newMetrics(c *config, paths []servedPath) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		handshake: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "benchserver_handshake_seconds",
			Help:    "Time from a request's header having been read to its answer, without those past a limit.",
			Buckets: prometheus.ExponentialBuckets(5e-6, 1.5, 36),
		}),
		closes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "benchserver_closes_total",
			Help: "Connections that have ended, by close code; 1006: without one.",
		}, []string{"code"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "benchserver_errors_total",
			Help: "Connections that have ended by an error, by its kind.",
		}, []string{"kind"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "benchserver_handshakes_refused_total",
			Help: "Handshakes that were refused, by HTTP status; 0: the client was gone.",
		}, []string{"status"}),
	}
	m.normal, m.empty, m.gone = m.closes.WithLabelValues("1000"), m.closes.WithLabelValues("1005"), m.closes.WithLabelValues("1006")
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "benchserver_info",
		Help:        "Always 1; the labels tell what is running.",
		ConstLabels: prometheus.Labels{"engine": c.engine, "version": cli.Version()},
	})
	info.Set(1)
	m.registry.MustRegister(m.handshake, m.closes, m.failures, m.refused, info, pathCollector(paths),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// A pathCollector reads the servers' own sums.
type pathCollector []servedPath

var (
	connectionsDesc = prometheus.NewDesc("benchserver_connections", "Connections now.", []string{"path"}, nil)
	parkedDesc      = prometheus.NewDesc("benchserver_connections_parked", "Connections now that are idle and hold no goroutine, as the engine tells.", []string{"path"}, nil)
	openedDesc      = prometheus.NewDesc("benchserver_connections_total", "Connections accepted.", []string{"path"}, nil)
	messagesDesc    = prometheus.NewDesc("benchserver_messages_total", "Messages answered.", []string{"path"}, nil)
	receivedDesc    = prometheus.NewDesc("benchserver_received_bytes_total", "Payload bytes of messages received.", []string{"path"}, nil)
	sentDesc        = prometheus.NewDesc("benchserver_sent_bytes_total", "Payload bytes of messages sent.", []string{"path"}, nil)
)

// Describe names what Collect yields.
func (pathCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{connectionsDesc, parkedDesc, openedDesc, messagesDesc, receivedDesc, sentDesc} {
		ch <- d
	}
}

// Collect reads the sums.
func (paths pathCollector) Collect(ch chan<- prometheus.Metric) {
	for _, p := range paths {
		s := p.server.Stats()
		for _, v := range []struct {
			desc  *prometheus.Desc
			kind  prometheus.ValueType
			value float64
		}{
			{connectionsDesc, prometheus.GaugeValue, float64(s.Connections)},
			{parkedDesc, prometheus.GaugeValue, float64(s.Parked)},
			{openedDesc, prometheus.CounterValue, float64(p.opened.Load())},
			{messagesDesc, prometheus.CounterValue, float64(s.Messages)},
			{receivedDesc, prometheus.CounterValue, float64(s.BytesIn)},
			{sentDesc, prometheus.CounterValue, float64(s.BytesOut)},
		} {
			ch <- prometheus.MustNewConstMetric(v.desc, v.kind, v.value, p.path)
		}
	}
}

func (m *metrics) close(code uint16, err error) {
	switch code {
	case 1000:
		m.normal.Inc()
	case 1005:
		m.empty.Inc()
	case 1006:
		m.gone.Inc()
	default:
		m.closes.WithLabelValues(codeLabel(code)).Inc()
	}
	if err != nil {
		m.failures.WithLabelValues(kind(code, err)).Inc()
	}
	m.closedSum.Add(1)
}

func (m *metrics) refuse(status int) {
	m.refused.WithLabelValues(strconv.Itoa(status)).Inc()
	m.refusedSum.Add(1)
}

// codeLabel keeps the number of labels small, whatever codes peers send.
func codeLabel(code uint16) string {
	switch {
	case code >= 4000:
		return "4xxx"
	case code >= 3000:
		return "3xxx"
	case code < 1000 || code > 1015:
		return "other"
	}
	return strconv.Itoa(int(code))
}

// kind sorts the error that ended a connection.
func kind(code uint16, err error) string {
	var timeout net.Error
	var asked *serve.CloseError
	switch {
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case code == 1001 || errors.Is(err, net.ErrClosed):
		return "dropped" // by the shutdown
	case code == 1009:
		return "too large"
	case code == invalidPayload:
		return "content"
	case code == unsupportedData:
		return "kind of message"
	case code == 1002:
		return "protocol"
	case errors.As(err, &asked):
		return "handler"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), code == 1006:
		return "gone" // the peer, without a Close
	}
	return "other"
}
