package load

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Model says by which loop the messages were sent, in words.
func (c *Config) Model() string {
	switch {
	case c.Async:
		return fmt.Sprintf("async: each connection sends %d messages before it reads an answer", c.Messages)
	case c.Rate > 0:
		return fmt.Sprintf("fixed rate of %g/s in all; latencies count from when a message was due (corrected for coordinated omission)", c.Rate)
	}
	return fmt.Sprintf("closed loop with %d in flight a connection; a slow answer delays what follows, so latencies hold for this load only", c.InFlight)
}

// Name is the run as the name of a Go benchmark.
func (c *Config) Name() string {
	var b strings.Builder
	fmt.Fprintf(&b, "BenchmarkLoad/mode=%s", c.Mode)
	if c.Async {
		b.WriteString("/async=true")
	}
	if c.Mode == Echo {
		kind := "binary"
		if c.Text {
			kind = "text"
		}
		fmt.Fprintf(&b, "/kind=%s/size=%dB", kind, c.Size)
	}
	fmt.Fprintf(&b, "/conns=%d", c.Conns)
	if c.Rate > 0 {
		fmt.Fprintf(&b, "/rate=%gps", c.Rate)
	} else if c.Mode != Connect && !c.Async {
		fmt.Fprintf(&b, "/inflight=%d", c.InFlight)
	}
	return b.String()
}

// percentiles are those that are reported.
var percentiles = []float64{50, 90, 99, 99.9}

// WriteBench writes the result as a line of the Go benchmark format, the
// loop model as a configuration line before it.
func (r *Result) WriteBench(w io.Writer) error {
	n := max(r.Messages, 1)
	var b strings.Builder
	fmt.Fprintf(&b, "loop: %s\n%s %d %.1f ns/op %.1f msgs/s", r.Config.Model(), r.Config.Name(), n,
		float64(r.Elapsed.Nanoseconds())/float64(n), float64(r.Messages)/r.Elapsed.Seconds())
	if r.Latency.TotalCount() > 0 {
		for _, p := range percentiles {
			fmt.Fprintf(&b, " %d p%g-ns", r.Latency.ValueAtQuantile(p), p)
		}
	}
	if r.Config.Async {
		fmt.Fprintf(&b, " %d stalls", r.Stalls) // each a second of the time above
	}
	fmt.Fprintf(&b, " %.1f loadgen-cpu-ns/op %d failures\n", float64(r.CPU.Nanoseconds())/float64(n), r.Failures.Total())
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteJSON writes the result as one JSON object, whose member schema names its
// form: it changes when another member changes its meaning.
func (r *Result) WriteJSON(w io.Writer) error {
	latency := map[string]int64{}
	if r.Latency.TotalCount() > 0 {
		for _, p := range percentiles {
			latency[fmt.Sprintf("p%g", p)] = r.Latency.ValueAtQuantile(p)
		}
		latency["max"] = r.Latency.Max()
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(struct {
		Schema      string           `json:"schema"`
		URL         string           `json:"url"`
		Mode        Mode             `json:"mode"`
		Loop        string           `json:"loop"`
		Connections int              `json:"connections"`
		Messages    int64            `json:"messages"` // connections in mode connect
		Seconds     float64          `json:"seconds"`
		Rate        float64          `json:"perSecond"`
		Latency     map[string]int64 `json:"latencyNanoseconds"`
		CPU         int64            `json:"generatorCPUNanoseconds"`
		Stalls      int64            `json:"stalls"`
		LeftOpen    int64            `json:"leftOpen"`
		Refused     int64            `json:"refusedHandshakes"`
		Wrong       int64            `json:"wrongAnswers"`
		Lost        int64            `json:"lostMessages"`
		Dropped     int64            `json:"droppedConnections"`
		First       []string         `json:"firstFailures"`
	}{
		"wsproof/load/1", r.Config.URL, r.Config.Mode, r.Config.Model(), r.Config.Conns, r.Messages,
		r.Elapsed.Seconds(), float64(r.Messages) / r.Elapsed.Seconds(), latency, r.CPU.Nanoseconds(), r.Stalls, r.LeftOpen,
		r.Failures.Refused, r.Failures.Wrong, r.Failures.Lost, r.Failures.Dropped, append([]string{}, r.Failures.First...),
	})
}

// WriteTable writes the result for people.
func (r *Result) WriteTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	unit := "messages"
	if r.Config.Mode == Connect {
		unit = "connections"
	}
	fmt.Fprintf(t, "server\t%s\n", r.Config.URL)
	fmt.Fprintf(t, "mode\t%s, %d connections\n", r.Config.Mode, r.Config.Conns)
	fmt.Fprintf(t, "loop\t%s\n", r.Config.Model())
	fmt.Fprintf(t, "%s\t%d in %v, %.0f/s\n", unit, r.Messages, r.Elapsed.Round(time.Millisecond), float64(r.Messages)/r.Elapsed.Seconds())
	if r.Latency.TotalCount() > 0 {
		fmt.Fprintf(t, "latency\t%s, max %v\n", Percentiles(r.Latency), time.Duration(r.Latency.Max()))
	}
	if r.Config.Async {
		fmt.Fprintf(t, "stalls\t%d sessions had to read before all was sent\n", r.Stalls)
	}
	if r.LeftOpen > 0 {
		fmt.Fprintf(t, "left open\t%d connections by the server behind its Close, which RFC 6455 §7.1.1 wants it to close\n", r.LeftOpen)
	}
	fmt.Fprintf(t, "generator\t%.0f ns of CPU a %s\n", float64(r.CPU.Nanoseconds())/float64(max(r.Messages, 1)), strings.TrimSuffix(unit, "s"))
	fmt.Fprintf(t, "failures\t%s\n", r.Failures.String())
	return t.Flush()
}

// Percentiles are the reported percentiles of a histogram of nanoseconds.
func Percentiles(h *hdrhistogram.Histogram) string {
	var parts []string
	for _, p := range percentiles {
		parts = append(parts, fmt.Sprintf("p%g %v", p, time.Duration(h.ValueAtQuantile(p)).Round(100*time.Nanosecond)))
	}
	return strings.Join(parts, ", ")
}
