package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/wsproof/wsproof/internal/cli"
)

// The plant: AppendFrame does a part of its work twice, for payloads so large
// that the part, and not the call, is what it costs.
const (
	plantFile = "websocket/protocol/write.go"
	plantFunc = "\treturn appendFrame(dst, frame.first(), frame.Payload, mask)\n}"
)

// plant writes an overlay for go build under which AppendFrame takes about
// percent more time for masked payloads of 16 KiB and more, and returns its
// path. The call itself is about a fifth of that, the rest is a part of the
// payload masked once more.
func plant(top, tmp string, percent int) (string, error) {
	source := filepath.Join(top, filepath.FromSlash(plantFile))
	b, err := os.ReadFile(source)
	if err != nil {
		return "", err
	}
	if bytes.Count(b, []byte(plantFunc)) != 1 {
		return "", fmt.Errorf("%s has no %q any more: change the plant", plantFile, plantFunc)
	}
	slow := fmt.Sprintf("\tif len(frame.Payload) >= 16<<10 && mask != Unmasked {\n"+
		"\t\tplanted = appendFrame(planted[:0], frame.b0, frame.Payload[:len(frame.Payload)/100*%d], mask)\n\t}\n%s\n\nvar planted []byte\n",
		percent*4/5, plantFunc)
	b = bytes.Replace(b, []byte(plantFunc), []byte(slow), 1)
	changed := filepath.Join(tmp, "planted.go")
	if err := os.WriteFile(changed, b, 0o644); err != nil {
		return "", err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{source: changed}})
	if err != nil {
		return "", err
	}
	path := filepath.Join(tmp, "overlay.json")
	return path, os.WriteFile(path, overlay, 0o644)
}

// runSelftest checks the gate itself: the working tree against itself must
// pass, and with a planted slow-down it must fail.
func runSelftest(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	fs := flag.NewFlagSet("wsbench selftest", flag.ContinueOnError)
	runs := fs.Int("runs", 1, "`times` to check each")
	only := fs.String("only", "", "`regexp` of the benchmarks to check; by default all")
	percent := fs.Int("percent", 15, "how much the planted function is slower")
	if err := parse(fs, args, stdout); err != nil {
		return err
	}
	if err := cli.Check(fs, cli.Range{Flag: "runs", Least: 1, Most: mostRounds}, cli.Range{Flag: "percent", Least: 1, Most: 100}); err != nil {
		return err
	}
	match, err := onlyPattern(*only)
	if err != nil {
		return err
	}
	top, err := root(ctx)
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "wsbench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	overlay, err := plant(top, tmp, *percent)
	if err != nil {
		return err
	}
	if c, err := commit(ctx, top); err != nil {
		return err
	} else if strings.HasSuffix(c, "+") {
		fmt.Fprintln(stderr, "the working tree differs from HEAD: what is called the same code here is not")
	}
	passed, found := 0, 0
	for i := range *runs {
		fmt.Fprintf(stdout, "%d: the same code\n", i+1)
		err := check(ctx, "HEAD", "", match, stdout, stderr)
		switch {
		case err == nil:
			passed++
		case errors.Is(err, errWorse):
			fmt.Fprintln(stdout, err)
		default:
			return err
		}
		fmt.Fprintf(stdout, "%d: %d %% planted in AppendFrame\n", i+1, *percent)
		err = check(ctx, "HEAD", overlay, match, stdout, stderr)
		switch {
		case errors.Is(err, errWorse):
			fmt.Fprintln(stdout, err)
			found++
		case err != nil:
			return err
		}
	}
	fmt.Fprintf(stdout, "the same code passed %d of %d times, the planted slow-down was found %d of %d times\n", passed, *runs, found, *runs)
	if passed != *runs || found != *runs {
		return cli.Finding(errors.New("the gate does not hold what it promises"))
	}
	return nil
}
