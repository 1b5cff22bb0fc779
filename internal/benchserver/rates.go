package benchserver

import (
	"context"
	"math"
	runtimemetrics "runtime/metrics"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// history is how many samples are kept, one a second.
const history = 120

// A sample is what happened in a second, as the status page draws it.
type sample struct {
	At          int64 `json:"at"` // Unix time in milliseconds
	Connections int   `json:"connections"`
	Parked      int   `json:"parked"` // of them
	// Per second.
	Messages float64 `json:"messages"`
	In       float64 `json:"in"`
	Out      float64 `json:"out"`
	Opened   float64 `json:"opened"`
	Closed   float64 `json:"closed"`
	Refused  float64 `json:"refused"`
	// Percentiles 50, 90, 99 in microseconds; null where nothing was measured.
	Handshake *[3]float64 `json:"handshake"`
	// Scheduling is how long goroutines that could run waited for a processor.
	Scheduling *[3]float64 `json:"scheduling"`
}

// Rates are the last two minutes of the metrics.
type rates struct {
	server *server

	mu      sync.Mutex
	samples []sample // the newest last

	at                        time.Time
	messages, in, out         uint64
	opened, closed, refused   uint64
	handshake, scheduling     histogram
	schedulingRuntimeSampling []runtimemetrics.Sample
}

func newRates(s *server) *rates {
	r := &rates{
		server: s, at: time.Now(),
		schedulingRuntimeSampling: []runtimemetrics.Sample{{Name: "/sched/latencies:seconds"}},
	}
	r.scheduling = r.readScheduling()
	return r
}

// watch takes a sample a second until ctx ends.
func (r *rates) watch(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			r.take()
		}
	}
}

// take samples what happened since the last call. The time is that of the reading:
// on a busy machine a tick, which has the time it was due, is late.
func (r *rates) take() {
	r.mu.Lock()
	defer r.mu.Unlock()
	var connections, parked int
	var messages, in, out uint64
	for _, p := range r.server.paths {
		s := p.server.Stats()
		connections += s.Connections
		parked += s.Parked
		messages += s.Messages
		in += s.BytesIn
		out += s.BytesOut
	}
	m := r.server.metrics
	opened, closed, refused := m.openedSum.Load(), m.closedSum.Load(), m.refusedSum.Load()
	handshake, scheduling := readHistogram(m.handshake), r.readScheduling()

	now := time.Now()
	seconds := max(now.Sub(r.at).Seconds(), 1e-3)
	rate := func(now, before uint64) float64 { return math.Round(float64(now-before) / seconds) }
	s := sample{
		At: now.UnixMilli(), Connections: connections, Parked: parked,
		Messages: rate(messages, r.messages), In: rate(in, r.in), Out: rate(out, r.out),
		Opened: rate(opened, r.opened), Closed: rate(closed, r.closed), Refused: rate(refused, r.refused),
		Handshake: handshake.since(r.handshake), Scheduling: scheduling.since(r.scheduling),
	}
	if len(r.samples) == history {
		r.samples = append(r.samples[:0], r.samples[1:]...)
	}
	r.samples = append(r.samples, s)
	r.at, r.messages, r.in, r.out = now, messages, in, out
	r.opened, r.closed, r.refused = opened, closed, refused
	r.handshake, r.scheduling = handshake, scheduling
}

// since returns the samples after the given Unix time in milliseconds.
func (r *rates) since(at int64) []sample {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := len(r.samples)
	for first > 0 && r.samples[first-1].At > at {
		first--
	}
	return append([]sample{}, r.samples[first:]...)
}

// A histogram counts values in buckets; bounds[i] is the upper bound of
// counts[i], the last of which may be infinite.
type histogram struct {
	bounds []float64
	counts []uint64
}

// since returns the percentiles, in units of 1e-6, of what came after before.
func (h histogram) since(before histogram) *[3]float64 {
	counts := make([]uint64, len(h.counts))
	var total uint64
	for i := range counts {
		counts[i] = h.counts[i]
		if before.counts != nil {
			counts[i] -= before.counts[i]
		}
		total += counts[i]
	}
	if total == 0 {
		return nil
	}
	var p [3]float64
	for i, q := range []float64{0.50, 0.90, 0.99} {
		p[i] = 1e6 * percentile(h.bounds, counts, total, q)
	}
	return &p
}

// percentile interpolates within the bucket; past the last finite bound it
// returns that bound.
func percentile(bounds []float64, counts []uint64, total uint64, q float64) float64 {
	rank := q * float64(total)
	var below float64
	lower := 0.0
	for i, n := range counts {
		upper := bounds[i]
		if below+float64(n) >= rank && n > 0 {
			if math.IsInf(upper, 1) {
				return lower
			}
			return lower + (upper-lower)*(rank-below)/float64(n)
		}
		below += float64(n)
		if !math.IsInf(upper, 0) {
			lower = upper
		}
	}
	return lower
}

func readHistogram(h prometheus.Histogram) histogram {
	var out dto.Metric
	if h.Write(&out) != nil {
		return histogram{}
	}
	var r histogram
	var cumulative uint64
	for _, b := range out.Histogram.Bucket {
		r.bounds = append(r.bounds, b.GetUpperBound())
		r.counts = append(r.counts, b.GetCumulativeCount()-cumulative)
		cumulative = b.GetCumulativeCount()
	}
	r.bounds = append(r.bounds, math.Inf(1))
	r.counts = append(r.counts, out.Histogram.GetSampleCount()-cumulative)
	return r
}

func (r *rates) readScheduling() histogram {
	runtimemetrics.Read(r.schedulingRuntimeSampling)
	h := r.schedulingRuntimeSampling[0].Value.Float64Histogram()
	return histogram{bounds: append([]float64{}, h.Buckets[1:]...), counts: append([]uint64{}, h.Counts...)}
}
