package conform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/wsproof/wsproof/conformance"
	"github.com/wsproof/wsproof/internal/engine/engines"
)

// image is the original suite's own container.
const image = "crossbario/autobahn-testsuite"

// An original runs the original suite, from the PATH or in its container.
type original struct {
	command []string // up to wstest
	// inside is how the suite sees a folder and a host of ours.
	folder func(string) string
	host   func(string) string
}

// newOriginal finds the original suite. folder is where its files are.
func newOriginal(driver, folder string) (*original, error) {
	same := func(s string) string { return s }
	if driver == "wstest" {
		path, err := exec.LookPath("wstest")
		if err != nil {
			return nil, errors.New("DRIVER=wstest: wstest is not on the PATH (it comes with the Python 2 package autobahntestsuite); without DRIVER the cases run natively")
		}
		return &original{command: []string{path}, folder: same, host: same}, nil
	}
	path, err := exec.LookPath("docker")
	if err != nil {
		return nil, errors.New("DRIVER=docker: docker is not on the PATH; without DRIVER the cases run natively")
	}
	if out, err := exec.Command(path, "info", "--format", "{{.ServerVersion}}").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("DRIVER=docker: the Docker daemon does not answer: %s", firstLine(out, err))
	}
	o := &original{
		command: []string{path, "run", "--rm", "--volume", folder + ":/suite", "--workdir", "/suite"},
		folder:  func(s string) string { return strings.Replace(s, folder, "/suite", 1) },
		host:    same,
	}
	if runtime.GOOS == "linux" {
		o.command = append(o.command, "--network", "host")
	} else {
		o.command = append(o.command, "--publish", "9001:9001")
		o.host = func(s string) string { return strings.Replace(s, "127.0.0.1", "host.docker.internal", 1) }
	}
	o.command = append(o.command, image, "wstest")
	return o, nil
}

func firstLine(out []byte, err error) string {
	if line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n"); line != "" {
		return line
	}
	return err.Error()
}

// spec is the original's configuration file.
type spec struct {
	OutDir  string       `json:"outdir"`
	URL     string       `json:"url,omitempty"`
	Servers []specServer `json:"servers,omitempty"`
	Cases   []string     `json:"cases"`
	Exclude []string     `json:"exclude-cases"`
	Agents  struct{}     `json:"exclude-agent-cases"`
	Options specOptions  `json:"options"`
}

type specServer struct {
	Agent string `json:"agent"`
	URL   string `json:"url"`
}

type specOptions struct {
	FailByDrop bool `json:"failByDrop"`
}

// runOriginal plays the cases with the original suite.
func (c *config) runOriginal(ctx context.Context) error {
	if c.listen != "" {
		return errors.New("-driver with -listen: run wstest -m fuzzingserver itself")
	}
	dir, err := c.originalDir()
	if err != nil {
		return err
	}
	suite, err := newOriginal(c.driver, dir)
	if err != nil {
		return err
	}
	if c.target != "" {
		// The original says nothing of a target that is not there.
		if err := (&conformance.Tester{URL: c.target}).Reach(ctx); err != nil {
			return err
		}
	}
	failed := false
	for _, role := range []string{"server", "client"} {
		if c.role != role && c.role != "both" {
			continue
		}
		agents := c.engines()
		if c.target != "" {
			u, _ := conformance.ParseTarget(c.target)
			agents = []string{u.Host}
			if c.agent != "" {
				agents = []string{c.agent}
			}
		}
		out := filepath.Join(dir, role+"s")
		play := c.originalServers
		if role == "client" {
			play = c.originalClients
		}
		if err := play(ctx, suite, out, agents); err != nil {
			return err
		}
		verdicts, took, err := conformance.ReadIndex(out)
		if err != nil {
			return fmt.Errorf("the original suite left no report: %w", err)
		}
		for _, agent := range agents {
			if len(verdicts[agent]) == 0 {
				return fmt.Errorf("the original suite reports nothing of %s", agent)
			}
			c.out.endOriginal(agent, role, verdicts[agent], took[agent])
			for _, v := range verdicts[agent] {
				failed = failed || !conformance.Passed(v[0], v[1])
			}
		}
		c.out.reported(filepath.Join(out, "index.html"))
		if c.open {
			_ = openBrowser(filepath.Join(out, "index.html")) // its path is printed
		}
	}
	if failed {
		return ErrFailed
	}
	return nil
}

func (c *config) originalDir() (string, error) {
	if c.reportDir == "" {
		return os.MkdirTemp("", "autobahn-*")
	}
	if err := os.MkdirAll(c.reportDir, 0o777); err != nil {
		return "", err
	}
	return filepath.Abs(c.reportDir)
}

func (c *config) spec(out string) spec {
	s := spec{OutDir: out, Exclude: []string{}}
	for _, k := range c.selected {
		s.Cases = append(s.Cases, k.ID)
	}
	return s
}

// start runs a mode of the suite on a configuration.
func (o *original) start(ctx context.Context, mode, out string, s spec) (*exec.Cmd, error) {
	if err := os.MkdirAll(out, 0o777); err != nil {
		return nil, err
	}
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, err
	}
	file := filepath.Join(out, mode+".config.json")
	if err := os.WriteFile(file, b, 0o666); err != nil {
		return nil, err
	}
	args := append(o.command[1:len(o.command):len(o.command)], "-m", mode, "-s", o.folder(file))
	cmd := exec.CommandContext(ctx, o.command[0], args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	return cmd, nil
}

func (c *config) originalServers(ctx context.Context, suite *original, out string, agents []string) error {
	s := c.spec(suite.folder(out))
	for _, agent := range agents {
		target := c.target
		if target == "" {
			var stop func()
			var err error
			if target, stop, err = startServer(agent, conformance.Compressed(c.selected)); err != nil {
				return err
			}
			defer stop()
		}
		s.Servers = append(s.Servers, specServer{agent, suite.host(target)})
	}
	cmd, err := suite.start(ctx, "fuzzingclient", out, s)
	if err != nil {
		return err
	}
	return c.attend(cmd)
}

// attend runs the suite to its end. What it prints is shown with -debug, and
// where it fails.
func (c *config) attend(cmd *exec.Cmd) error {
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if c.debug && !c.json {
		cmd.Stdout = io.MultiWriter(c.out.w, &said)
		cmd.Stderr = cmd.Stdout
	}
	if err := cmd.Run(); err != nil {
		lines := strings.Split(strings.TrimSpace(said.String()), "\n")
		return fmt.Errorf("the original suite failed: %w: %s", err, lines[len(lines)-1])
	}
	return nil
}

func (c *config) originalClients(ctx context.Context, suite *original, out string, agents []string) error {
	const address = "127.0.0.1:9001"
	s := c.spec(suite.folder(out))
	s.URL = "ws://" + address
	if suite.host("127.0.0.1") != "127.0.0.1" {
		s.URL = "ws://0.0.0.0:9001"
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd, err := suite.start(ctx, "fuzzingserver", out, s)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- c.attend(cmd) }()
	if err := awaitListener(ctx, address, ended); err != nil {
		return err
	}
	for _, agent := range agents {
		// The original plays one case after the other, too.
		e, err := engines.Find(agent)
		if err != nil {
			return err
		}
		err = conformance.Drive(ctx, e.ClientFor(conformance.Compressed(c.selected)), "ws://"+address, url.QueryEscape(agent), c.selected, 1)
		if err != nil {
			return err
		}
	}
	cancel()
	<-ended
	return nil
}

// awaitListener waits until something listens there.
func awaitListener(ctx context.Context, address string, ended <-chan error) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			return conn.Close()
		}
		select {
		case err := <-ended:
			return errors.Join(errors.New("the original suite ended before it listened"), err)
		case <-ctx.Done():
			return fmt.Errorf("the original suite does not listen on %s", address)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// openBrowser shows a page.
func openBrowser(page string) error {
	command := "xdg-open"
	switch runtime.GOOS {
	case "darwin":
		command = "open"
	case "windows":
		command = "explorer"
	}
	return exec.Command(command, page).Start()
}
