// Command corpus writes the seeds of the fuzz targets, and the committed corpus, as
// plain files for other engines: a folder a target, or with -zip an archive
// <target>_seed_corpus.zip a target, as OSS-Fuzz wants them.
//
//	go run ./fuzz/corpus -dir out [-zip] [-target ReadFrame]
package main

import (
	"archive/zip"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/fuzz/targets"
	"github.com/wsproof/wsproof/internal/cli"
)

func main() {
	cli.Exit("corpus", run(os.Args[1:], os.Stdout))
}

func run(args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("corpus", flag.ContinueOnError)
	dir := flags.String("dir", "", "the `folder` to write to; needed")
	zipped := flags.Bool("zip", false, "write an archive a target")
	target := flags.String("target", "", "only this `target`")
	if err := cli.Parse(flags, args, stdout); err != nil {
		return err
	}
	if *dir == "" || flags.NArg() > 0 {
		return cli.Usagef("usage: corpus -dir folder [-zip] [-target name]")
	}
	if _, err := os.Stat("fuzz/testdata/fuzz"); err != nil {
		return fmt.Errorf("the committed corpus: %w (run it in the root of the repository)", err)
	}
	only := strings.TrimPrefix(*target, "Fuzz")
	done := 0
	for _, t := range targets.All() {
		if only != "" && only != t.Name {
			continue
		}
		done++
		name := "Fuzz" + t.Name
		inputs, err := t.AllSeeds()
		if err != nil {
			return err
		}
		kept, err := input.ReadCorpus(filepath.Join(t.Package, "testdata", "fuzz", name))
		if err != nil {
			return err
		}
		inputs = append(inputs, kept...)
		write := writeFiles
		path := filepath.Join(*dir, name)
		if *zipped {
			write, path = writeZip, path+"_seed_corpus.zip"
		}
		n, err := write(path, inputs)
		if err != nil {
			return err
		}
		fmt.Fprintf(stdout, "%s: %d inputs\n", path, n)
	}
	if done == 0 {
		return fmt.Errorf("there is no target %q", *target)
	}
	return nil
}

func writeFiles(dir string, inputs [][]byte) (int, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return 0, err
	}
	names := map[string]bool{}
	for _, data := range inputs {
		name := input.CorpusName(data)
		names[name] = true
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			return 0, err
		}
	}
	return len(names), nil
}

func writeZip(path string, inputs [][]byte) (n int, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return 0, err
	}
	file, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	defer func() {
		if e := file.Close(); err == nil {
			err = e
		}
	}()
	z := zip.NewWriter(file)
	names := map[string]bool{}
	for _, data := range inputs {
		name := input.CorpusName(data)
		if names[name] {
			continue
		}
		names[name] = true
		w, err := z.Create(name)
		if err != nil {
			return 0, err
		}
		if _, err := w.Write(data); err != nil {
			return 0, err
		}
	}
	return len(names), z.Close()
}
