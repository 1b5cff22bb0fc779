package conformance

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"unicode/utf8"
)

// dataSetSize is the length of a data set, in octets: longer than the longest
// message, and than any window.
const dataSetSize = 512 << 10

// A dataSet is what the messages of a permessage-deflate case are cut out of, one
// behind the other, from the end on to the beginning. The sets are made, the same
// each time, in the kinds of those that the original suite has.
type dataSet struct {
	octets []byte
	starts []int // of the characters, where a length counts those; nil: octets
}

// dataSets makes the set of each kind. The text of JSON and HTML is UTF-8, the
// prose is Latin-1.
var dataSets = map[string]func(r *rand.Rand) []byte{
	"JSON": makeJSON, "bitmap": makeBitmap, "prose": makeProse, "HTML": makeHTML, "PDF": makePDF,
}

var madeSets = struct {
	mu   sync.Mutex
	sets map[string]*dataSet
}{sets: make(map[string]*dataSet)}

func dataSetOf(kind string) *dataSet {
	madeSets.mu.Lock()
	defer madeSets.mu.Unlock()
	if d := madeSets.sets[kind]; d != nil {
		return d
	}
	d := &dataSet{octets: dataSets[kind](rand.New(rand.NewPCG(7692, uint64(len(kind)))))}
	if kind == "JSON" || kind == "HTML" {
		for i := range string(d.octets) {
			d.starts = append(d.starts, i)
		}
		d.starts = append(d.starts, len(d.octets))
	}
	madeSets.sets[kind] = d
	return d
}

// message cuts n octets or characters out of the set, from the at-th on, and
// returns them and where the next message begins. The message is not to be
// written to.
func (d *dataSet) message(at, n int) (message []byte, next int) {
	size := len(d.octets)
	if d.starts != nil {
		size = len(d.starts) - 1
	}
	if next = at + n; next <= size {
		return d.octets[d.start(at):d.start(next)], next % size
	}
	message = bytes.Clone(d.octets[d.start(at):])
	rest, next := d.message(0, next-size)
	return append(message, rest...), next
}

func (d *dataSet) start(at int) int {
	if d.starts != nil {
		return d.starts[at]
	}
	return at
}

func pick(r *rand.Rand, from []string) string { return from[r.IntN(len(from))] }

// makeJSON is a list of events, as an API of a shop may return it.
func makeJSON(r *rand.Rand) []byte {
	var b bytes.Buffer
	kinds := []string{"order", "payment", "shipment", "refund", "review"}
	names := []string{"Ada", "Björn", "Chloé", "Dmitri", "Esi", "Farah", "Goran", "Hana"}
	b.WriteString("[\n")
	at := 1700000000
	for b.Len() < dataSetSize {
		at += r.IntN(90)
		fmt.Fprintf(&b, "  {\"id\": \"%08x\", \"type\": %q, \"at\": %d, \"user\": {\"name\": %q, \"visits\": %d}, \"total\": %.2f, \"tags\": [",
			r.Uint32(), pick(r, kinds), at, pick(r, names), r.IntN(400), 500*r.ExpFloat64()/4)
		for i := range r.IntN(4) {
			if i > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "\"%s-%d\"", pick(r, kinds), r.IntN(20))
		}
		fmt.Fprintf(&b, "], \"open\": %v, \"note\": null},\n", r.IntN(3) == 0)
	}
	b.WriteString("  {}\n]\n")
	return b.Bytes()
}

// makeBitmap is a BMP of 24 bits a pixel: waves of colour, and a strip of noise.
func makeBitmap(r *rand.Rand) []byte {
	const width = 512
	height := dataSetSize/(3*width) + 1
	b := append([]byte("BM"), make([]byte, 52)...)
	binary.LittleEndian.PutUint32(b[2:], uint32(54+3*width*height))
	binary.LittleEndian.PutUint32(b[10:], 54)
	binary.LittleEndian.PutUint32(b[14:], 40)
	binary.LittleEndian.PutUint32(b[18:], width)
	binary.LittleEndian.PutUint32(b[22:], uint32(height))
	binary.LittleEndian.PutUint32(b[26:], 1|24<<16)
	for y := range height {
		for x := range width {
			wave := math.Sin(float64(x)/40) + math.Cos(float64(y)/25)
			pixel := []byte{byte(128 + 60*wave), byte(x / 4 * 2), byte(y)}
			if y%64 > 56 {
				pixel = []byte{byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32())}
			}
			b = append(b, pixel...)
		}
	}
	return b
}

// words are made up of syllables; those at the front are used most.
func words(r *rand.Rand, n int) []string {
	heads := []string{"b", "d", "f", "g", "h", "k", "l", "m", "n", "r", "s", "sch", "st", "t", "v", "w", "z", ""}
	cores := []string{"a", "e", "i", "o", "u", "ei", "au", "ie", "ä", "ö", "ü"}
	ends := []string{"", "n", "r", "s", "t", "ch", "nd", "lle", "ß"}
	list := make([]string, n)
	for i := range list {
		for range 1 + r.IntN(3) {
			list[i] += pick(r, heads) + pick(r, cores) + pick(r, ends)
		}
	}
	return list
}

// frequent draws a word as a language does: few words are most of a text.
func frequent(r *rand.Rand, list []string) string {
	return list[min(int(math.Exp(r.Float64()*math.Log(float64(len(list)))))-1, len(list)-1)]
}

// sentenceOf makes a sentence of so many words.
func sentenceOf(r *rand.Rand, list []string, n int) string {
	var b strings.Builder
	for i := range n {
		w := frequent(r, list)
		if i == 0 {
			first, size := utf8.DecodeRuneInString(w)
			w = strings.ToUpper(string(first)) + w[size:]
		} else if r.IntN(9) == 0 {
			b.WriteString(", ")
		} else {
			b.WriteString(" ")
		}
		b.WriteString(w)
	}
	return b.String() + pick(r, []string{".", ".", ".", "!", "?"})
}

// makeProse is verse in a language that nobody speaks, in Latin-1.
func makeProse(r *rand.Rand) []byte {
	list := words(r, 4000)
	var b []byte
	for len(b) < dataSetSize {
		for range 4 + r.IntN(8) {
			for _, c := range sentenceOf(r, list, 4+r.IntN(6)) {
				b = append(b, byte(c)) // all characters are below U+0100
			}
			b = append(b, '\n')
		}
		b = append(b, '\n')
	}
	return b
}

// makeHTML is a page of news, with characters of two to four octets.
func makeHTML(r *rand.Rand) []byte {
	list := words(r, 3000)
	var b bytes.Buffer
	b.WriteString("<!DOCTYPE html>\n<html lang=\"xx\">\n<head><meta charset=\"utf-8\"><title>News</title></head>\n<body>\n")
	for b.Len() < dataSetSize {
		fmt.Fprintf(&b, "<article class=\"story %s\" id=\"s%d\">\n  <h2><a href=\"/story/%08x.html\">%s</a></h2>\n",
			pick(r, []string{"lead", "brief", "wide"}), r.IntN(1e6), r.Uint32(), sentenceOf(r, list, 5))
		for range 1 + r.IntN(4) {
			fmt.Fprintf(&b, "  <p>%s “%s” %s – %s</p>\n", sentenceOf(r, list, 12), sentenceOf(r, list, 8), pick(r, []string{"€", "→", "日本", "😀", "&amp;"}), sentenceOf(r, list, 15))
		}
		b.WriteString("</article>\n")
	}
	b.WriteString("</body>\n</html>\n")
	return b.Bytes()
}

// makePDF has objects of text, and streams that are compressed already.
func makePDF(r *rand.Rand) []byte {
	list := words(r, 2000)
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
	for n := 1; b.Len() < dataSetSize; n++ {
		if n%3 != 0 {
			fmt.Fprintf(&b, "%d 0 obj\n<< /Type /Page /Parent 1 0 R /MediaBox [0 0 595 842] /Contents %d 0 R /Resources << /Font << /F1 2 0 R >> >> >>\nendobj\n", n, n+1)
			continue
		}
		var stream bytes.Buffer
		w, err := flate.NewWriter(&stream, flate.DefaultCompression)
		if err != nil {
			panic(err) // the level is one of those that there are
		}
		for range 60 {
			fmt.Fprintf(w, "BT /F1 11 Tf 1 0 0 1 %d %d Tm (%s) Tj ET\n", 50+r.IntN(20), r.IntN(800), sentenceOf(r, list, 9))
		}
		w.Close()
		fmt.Fprintf(&b, "%d 0 obj\n<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream\nendobj\n", n, stream.Len(), stream.Bytes())
	}
	b.WriteString("trailer\n<< /Root 1 0 R >>\n%%EOF\n")
	return b.Bytes()
}
