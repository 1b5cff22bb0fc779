package main

import (
	"bytes"
	"compress/flate"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
)

// Every way makes payloads that compress/flate inflates to the messages, and
// inflates them; what it returns without context takeover owes nothing to the
// message before.
func TestWays(t *testing.T) {
	for _, set := range []string{setTuning, setFigures} {
		for _, kind := range kinds {
			for _, size := range sizes[:3] {
				messages, err := corpus(set, kind, size)
				if err != nil {
					t.Fatal(err)
				}
				messages = messages[:min(len(messages), 20)]
				for _, bits := range []int{9, 15} {
					for _, takeover := range []bool{false, true} {
						for _, w := range ways {
							compress := w.compress(bits, takeover)
							if compress == nil {
								continue
							}
							dict := dictionary{size: 1 << 15}
							for i, m := range messages {
								z := bytes.Clone(compress(m))
								r := flate.NewReaderDict(strings.NewReader(string(z)+tail+"\x01\x00\x00\xff\xff"), dict.octets)
								got, err := io.ReadAll(r)
								if err != nil || !bytes.Equal(got, m) {
									t.Fatalf("%s/%s, %s, %d bits, takeover %t: message %d of %d octets: %d, %v", set, kind, w.name, bits, takeover, i, len(m), len(got), err)
								}
								if takeover {
									dict.add(m)
								}
							}
						}
					}
				}
			}
		}
	}
}

// A run prints a line for each way and verb, and inflates what it compares.
func TestRun(t *testing.T) {
	var out strings.Builder
	if err := run(context.Background(), strings.Fields("-kinds text -sizes 4096 -rounds 1 -takeover"), &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"compress core ", "compress core_best ", "compress klauspost ", "compress std ", "inflate  core ", "inflate  klauspost ", "inflate  std "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no line with %q in\n%s", want, out.String())
		}
	}
	for _, args := range []string{"-bits 7", "-sizes x", "-kinds nothing", "-set nothing", "-ways (", "more", "-rounds 0"} {
		if err := run(context.Background(), strings.Fields(args), io.Discard); err == nil {
			t.Errorf("%s: no error", args)
		}
	}
}

func forCases(b *testing.B, bench func(b *testing.B, w way, messages [][]byte, bits int, takeover bool)) {
	for _, kind := range kinds {
		for _, size := range sizes {
			messages := sync.OnceValues(func() ([][]byte, error) { return corpus(setFigures, kind, size) })
			for _, bits := range []int{9, 12, 15} {
				for _, takeover := range []bool{false, true} {
					for _, w := range ways {
						b.Run(fmt.Sprintf("lib=%s/kind=%s/size=%d/bits=%d/takeover=%t", w.name, kind, size, bits, takeover), func(b *testing.B) {
							messages, err := messages()
							if err != nil {
								b.Fatal(err)
							}
							bench(b, w, messages, bits, takeover)
						})
					}
				}
			}
		}
	}
}

func BenchmarkCompress(b *testing.B) {
	forCases(b, func(b *testing.B, w way, messages [][]byte, bits int, takeover bool) {
		compress := w.compress(bits, takeover)
		if compress == nil {
			b.Skip("it has no such window")
		}
		for _, m := range messages {
			compress(m)
		}
		b.ReportAllocs()
		plain, wire, i := 0, 0, 0
		for b.Loop() {
			m := messages[i%len(messages)]
			plain += len(m)
			wire += len(compress(m))
			i++
		}
		b.SetBytes(int64(plain / i))
		b.ReportMetric(float64(wire)/float64(i), "wire-B/op")
	})
}

func BenchmarkInflate(b *testing.B) {
	forCases(b, func(b *testing.B, w way, messages [][]byte, bits int, takeover bool) {
		if w.decompress == nil {
			b.Skip("it inflates as core does")
		}
		// Over and over: a payload is wanted behind the same ones again.
		payloads := compressAll(append(messages[:len(messages):len(messages)], messages...), bits, takeover)[len(messages):]
		decompress := w.decompress(bits, takeover)
		if takeover {
			for i, z := range compressAll(messages, bits, takeover) {
				if got, err := decompress(z); err != nil || !bytes.Equal(got, messages[i]) {
					b.Fatal(err)
				}
			}
		}
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			if _, err := decompress(payloads[i%len(payloads)]); err != nil {
				b.Fatal(err)
			}
			i++
		}
		b.SetBytes(int64(len(bytes.Join(messages, nil)) / len(messages)))
	})
}
