// Command deflatebench measures package deflate beside klauspost/compress, in the
// way in which gws uses it, and compress/flate: CPU time a message and size, for
// messages of four sizes and three kinds, each window, with and without context
// takeover. The ways take turns; the median of the rounds counts, beside that of
// klauspost.
//
//	go run ./bench/deflatebench -bits 12 -takeover
//	go run ./bench/deflatebench -kinds json -sizes 64,512 -rounds 15
//	go run ./bench/deflatebench -dump .build/corpus   # the messages, for other tools
//
// Inflating is of payloads that the core's level Best made.
package main

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/wsproof/wsproof/internal/cli"
)

func main() {
	cli.Main("deflatebench", func(ctx context.Context, args []string, stdout, _ io.Writer) error {
		return run(ctx, args, stdout)
	})
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	fs := flag.NewFlagSet("deflatebench", flag.ContinueOnError)
	set := fs.String("set", setFigures, "the `set` of messages: figures or tuning")
	kindList := fs.String("kinds", strings.Join(kinds, ","), "the `kinds` of messages")
	sizeList := fs.String("sizes", "64,512,4096,65536", "the `sizes` of messages, about")
	bitList := fs.String("bits", "15", "the `window bits`, 8 to 15")
	takeover := fs.Bool("takeover", false, "with context takeover")
	names := fs.String("ways", ".", "`regexp` of the ways: core, core_best, klauspost, std")
	rounds := fs.Int("rounds", 7, "how often each way takes its turn")
	least := fs.Bool("least", false, "take the least of the rounds, not the median: while others use the machine")
	dump := fs.String("dump", "", "write the messages into this `folder` instead, each behind its length in 4 octets, the lowest first")
	fs.Usage = func() {
		fmt.Fprint(stdout, "usage: deflatebench [flags]\n\n")
		fs.PrintDefaults()
	}
	if err := cli.Parse(fs, args, stdout); err != nil {
		return err
	}
	if fs.NArg() > 0 || *rounds < 1 {
		return cli.Usagef("want no argument, and at least one round")
	}
	pattern, err := regexp.Compile(*names)
	if err != nil {
		return cli.Usagef("-ways: %w", err)
	}
	var chosen []way
	for _, w := range ways {
		if pattern.MatchString(w.name) {
			chosen = append(chosen, w)
		}
	}
	bits, err := numbers(*bitList, 8, 15)
	if err != nil {
		return cli.Usagef("-bits: %w", err)
	}
	octets, err := numbers(*sizeList, 1, 1<<24)
	if err != nil {
		return cli.Usagef("-sizes: %w", err)
	}
	for _, kind := range strings.Split(*kindList, ",") {
		for _, size := range octets {
			messages, err := corpus(*set, kind, size)
			if err != nil {
				return cli.Usage(err)
			}
			if *dump != "" {
				if err := dumpTo(filepath.Join(*dump, fmt.Sprintf("%s-%s-%d", *set, kind, size)), messages); err != nil {
					return err
				}
				continue
			}
			for _, b := range bits {
				all, err := measure(ctx, chosen, messages, b, *takeover, *rounds, *least)
				if err != nil {
					return err
				}
				printTable(stdout, fmt.Sprintf("kind=%s/size=%d/bits=%d/takeover=%t", kind, size, b, *takeover), messages, all)
			}
		}
	}
	return nil
}

func numbers(list string, least, most int) ([]int, error) {
	var all []int
	for field := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(field)
		if err != nil || n < least || n > most {
			return nil, fmt.Errorf("%q is no number of %d to %d", field, least, most)
		}
		all = append(all, n)
	}
	return all, nil
}

func dumpTo(path string, messages [][]byte) error {
	var out []byte
	for _, m := range messages {
		out = append(binary.LittleEndian.AppendUint32(out, uint32(len(m))), m...)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, out, 0o644)
}
