package main

import (
	"bytes"
	"compress/flate"
	"fmt"
	"math/rand/v2"
	"strings"
)

// There are two sets of messages. The settings of the core were chosen by tuning;
// what is claimed is measured on figures, whose messages are made otherwise.
const (
	setTuning  = "tuning"
	setFigures = "figures"
)

// The kinds of message.
var kinds = []string{"json", "text", "packed"}

// sizes of messages, about, in octets.
var sizes = []int{64, 512, 4 << 10, 64 << 10}

// corpus returns messages of about the size: enough for half a MiB, and more of
// small ones. It is the same each time.
func corpus(set, kind string, size int) ([][]byte, error) {
	items, ok := generators[set+"/"+kind]
	if !ok {
		return nil, fmt.Errorf("there are no messages %s/%s", set, kind)
	}
	r := rand.New(rand.NewPCG(uint64(size), uint64(len(set+kind))))
	g := &generator{Rand: r}
	next := items(g)
	count := max(8, min(6000, 512<<10/size))
	messages := make([][]byte, count)
	for i := range messages {
		messages[i] = next(size)
	}
	return messages, nil
}

type generator struct {
	*rand.Rand
	clock int64
}

// generators make a source of messages of about a size.
var generators = map[string]func(*generator) func(size int) []byte{
	"tuning/json":    jsonOf((*generator).tick, (*generator).chat, (*generator).logLine),
	"tuning/text":    (*generator).prose,
	"tuning/packed":  (*generator).noise,
	"figures/json":   jsonOf((*generator).telemetry, (*generator).order, (*generator).post, (*generator).presence),
	"figures/text":   (*generator).page,
	"figures/packed": (*generator).packed,
}

// jsonOf makes messages that are an object, or an array of several of one kind.
func jsonOf(kinds ...func(*generator) string) func(*generator) func(int) []byte {
	return func(g *generator) func(int) []byte {
		return func(size int) []byte {
			kind := kinds[g.IntN(len(kinds))]
			if size < 100 {
				// The shortest of three: some are twice as long as that.
				m := kind(g)
				for range 2 {
					if other := kinds[g.IntN(len(kinds))](g); len(other) < len(m) {
						m = other
					}
				}
				return []byte(m)
			}
			m := []byte(`{"type":"batch","items":[`)
			for len(m) < size {
				m = append(append(m, kind(g)...), ',')
			}
			return append(m[:len(m)-1], "]}"...)
		}
	}
}

func (g *generator) one(of ...string) string { return of[g.IntN(len(of))] }

func (g *generator) price() string { return fmt.Sprintf("%d.%02d", 1+g.IntN(900), g.IntN(100)) }

func (g *generator) tick() string {
	g.clock += int64(g.IntN(2000))
	return fmt.Sprintf(`{"s":%q,"p":%s,"q":%d,"t":%d}`, g.one("AAPL", "MSFT", "GOOG", "TSLA", "NVDA", "AMZN", "META", "INTC", "ORCL", "IBM"), g.price(), g.IntN(5000), 1760000000000+g.clock)
}

func (g *generator) chat() string {
	return fmt.Sprintf(`{"from":%q,"room":%d,"text":%q}`, g.one("anna", "ben", "carla", "dmitri", "eve", "farid"), g.IntN(20), g.sentence(plain, 3+g.IntN(8)))
}

func (g *generator) logLine() string {
	g.clock += int64(g.IntN(900))
	return fmt.Sprintf(`{"level":%q,"ts":%d,"trace":"%016x","msg":"%s %s","ms":%d}`, g.one("info", "warn", "debug"), 1760000000+g.clock, g.Uint64(), g.one("GET", "POST", "PUT"), g.one("/api/v1/users", "/api/v1/orders", "/health", "/login"), g.IntN(400))
}

func (g *generator) telemetry() string {
	return fmt.Sprintf(`{"vehicle":"bus-%03d","lat":%.6f,"lon":%.6f,"speed":%.1f,"heading":%d,"doors":%q}`, g.IntN(140), 47+g.Float64(), 8+g.Float64(), g.Float64()*70, g.IntN(360), g.one("open", "closed", "closing"))
}

func (g *generator) order() string {
	var levels []string
	for range 1 + g.IntN(4) {
		levels = append(levels, fmt.Sprintf(`["%s","%.8f"]`, g.price(), g.Float64()*3))
	}
	g.clock += int64(1 + g.IntN(9))
	return fmt.Sprintf(`{"e":"depthUpdate","u":%d,"b":[%s]}`, 400900217+g.clock, strings.Join(levels, ","))
}

func (g *generator) post() string {
	return fmt.Sprintf(`{"id":"%08x-%04x","author":{"name":%q,"followers":%d},"likes":%d,"body":%q}`, g.Uint32(), g.IntN(1<<16), g.one("Marta Lopez", "J. Okafor", "Li Wei", "Sven", "Priya N."), g.IntN(90000), g.IntN(300), g.sentence(odd, 6+g.IntN(12)))
}

func (g *generator) presence() string {
	return fmt.Sprintf(`{"op":"presence","user":%d,"status":%q,"since":%d}`, 1000+g.IntN(4000), g.one("online", "away", "offline", "typing"), g.IntN(86400))
}

// Two vocabularies.
var (
	plain = strings.Fields(`the of and to a in is it you that he was for on are with as his they be at one have this from or had by hot
		but some what there we can out other were all your when up use word how said an each she which do their time if will way
		about many then them would write like so these her long make thing see him two has look more day could go come did my
		sound no most number who over know water than call first people may down side been now find any new work part take get
		place made live where after back little only round man year came show every good me give our under name very through
		just form much great think say help low line before turn cause same mean differ move right boy old too does tell`)
	odd = strings.Fields(`latency budget river harvest protocol gazette meadow customer invoice lantern shipping delayed weather
		station northern platform kitchen recipe garden bicycle market vendor morning evening council decision approved rejected
		pending transfer account balance statement quarter figures growth decline museum exhibition painter portrait century
		village castle tower bridge engine carriage whistle departure arrival luggage passenger ticket window seat corridor
		because although whenever nevertheless together between among within without during against toward`)
)

// sentence returns n words, of which the first ones of the vocabulary are frequent.
func (g *generator) sentence(words []string, n int) string {
	var b strings.Builder
	for i := range n {
		w := words[int(float64(len(words))*g.Float64()*g.Float64())]
		if i == 0 {
			w = strings.ToUpper(w[:1]) + w[1:]
		} else {
			b.WriteByte(' ')
		}
		b.WriteString(w)
	}
	return b.String()
}

func (g *generator) prose() func(int) []byte {
	return func(size int) []byte {
		var m []byte
		for len(m) < size {
			m = append(append(m, g.sentence(plain, 4+g.IntN(14))...), g.one(". ", ". ", "? ", ", ", ".\n")...)
		}
		return m[:size]
	}
}

// page makes HTML.
func (g *generator) page() func(int) []byte {
	return func(size int) []byte {
		var m []byte
		for len(m) < size {
			switch g.IntN(4) {
			case 0:
				m = fmt.Appendf(m, "<h2 id=\"s%d\">%s</h2>\n", g.IntN(1000), g.sentence(odd, 2+g.IntN(4)))
			case 1:
				m = fmt.Appendf(m, "<li><a href=\"/%s/%s.html\">%s</a></li>\n", g.one("news", "people", "places"), g.one(odd...), g.sentence(odd, 1+g.IntN(3)))
			default:
				m = fmt.Appendf(m, "<p class=%q>%s, %s %s.</p>\n", g.one("lead", "body", "note"), g.sentence(odd, 4+g.IntN(14)), g.sentence(plain, 3+g.IntN(5)), g.sentence(odd, 2+g.IntN(9)))
			}
		}
		return m[:size]
	}
}

func (g *generator) noise() func(int) []byte {
	return func(size int) []byte {
		m := make([]byte, size)
		for i := range m {
			m[i] = byte(g.Uint32())
		}
		return m
	}
}

// packed cuts its messages from what compress/flate makes of text.
func (g *generator) packed() func(int) []byte {
	text := g.page()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		panic(err) // of a constant
	}
	return func(size int) []byte {
		for b.Len() < size {
			_, _ = w.Write(text(64 << 10)) // a bytes.Buffer takes all
		}
		return bytes.Clone(b.Next(size))
	}
}
