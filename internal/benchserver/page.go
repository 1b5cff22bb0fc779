package benchserver

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/wsproof/wsproof/internal/cli"
)

//go:embed page/index.html
var pageHTML string

// A page is the status page at /, and with the query ?rates the numbers that it
// draws, as JSON.
type page struct {
	server *server
	begin  time.Time
	policy string
}

func newPage(s *server) *page {
	return &page{server: s, begin: time.Now(), policy: "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'" +
		"; connect-src 'self' ws: wss:; img-src data:" +
		"; script-src '" + hash(pageHTML, "<script>", "</script>") + "'" +
		"; style-src '" + hash(pageHTML, "<style>", "</style>") + "'"}
}

// hash is the Content-Security-Policy hash of what stands between the tags.
func hash(html, before, after string) string {
	_, rest, _ := strings.Cut(html, before)
	body, _, _ := strings.Cut(rest, after)
	sum := sha256.Sum256([]byte(body))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// A status is what the page asks for.
type status struct {
	Engine  string       `json:"engine"`
	Version string       `json:"version"`
	Go      string       `json:"go"`
	Uptime  float64      `json:"uptime"` // seconds
	Limits  statusLimits `json:"limits"`
	Samples []sample     `json:"samples"`
}

type statusLimits struct {
	Processors  int     `json:"processors"`
	Connections int64   `json:"connections"`
	Memory      int64   `json:"memory"`  // bytes, 0: none
	Message     int     `json:"message"` // bytes
	ReadTimeout float64 `json:"readTimeout"`
}

// ServeHTTP answers GET and HEAD.
func (p *page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "GET, or open a WebSocket connection", http.StatusMethodNotAllowed)
		return
	}
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	if query := r.URL.Query(); query.Has("rates") {
		since, _ := strconv.ParseInt(query.Get("rates"), 10, 64)
		h.Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(p.status(since))
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", p.policy)
	_, _ = w.Write([]byte(pageHTML))
}

func (p *page) status(since int64) status {
	c := p.server.config
	return status{
		Engine: c.engine, Version: cli.Version(), Go: runtime.Version(), Uptime: time.Since(p.begin).Seconds(),
		Limits: statusLimits{
			Processors: runtime.GOMAXPROCS(0), Connections: p.server.limits.maxConns, Memory: p.server.limits.maxMemory,
			Message: c.maxMessage, ReadTimeout: c.readTimeout.Seconds(),
		},
		Samples: p.server.rates.since(since),
	}
}
