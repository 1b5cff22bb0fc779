package benchserver

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write deploy/scripts.yaml anew from k6/*.js")

const (
	folder      = "../../benchserver/" // of the manifests and scripts
	scriptsFile = folder + "deploy/scripts.yaml"
	// maxConfigMap is what Kubernetes lets a ConfigMap hold, in bytes.
	maxConfigMap = 1 << 20
)

func scripts(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(folder + "k6/*.js")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	return files
}

// configMap is the manifest with all scripts.
func configMap(t *testing.T) []byte {
	t.Helper()
	data := map[string]string{}
	for _, file := range scripts(t) {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		data[filepath.Base(file)] = string(b)
	}
	var b bytes.Buffer
	b.WriteString("# All scripts of ../k6. Written by: go test ./internal/benchserver -run TestConfigMap -update\n")
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "benchserver-k6"}, "data": data,
	}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestConfigMap(t *testing.T) {
	want := configMap(t)
	if *update {
		if err := os.WriteFile(scriptsFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(scriptsFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s does not hold what k6/*.js are: go test ./internal/benchserver -run TestConfigMap -update", scriptsFile)
	}
}

// manifests reads all documents of a file.
func manifests(t *testing.T, file string) []map[string]any {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []map[string]any
	for d := yaml.NewDecoder(bytes.NewReader(b)); ; {
		var m map[string]any
		err := d.Decode(&m)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, m)
	}
}

// at returns what stands at the path; numbers are indexes of lists.
func at(t *testing.T, v any, path ...any) any {
	t.Helper()
	for i, p := range path {
		ok := false
		switch p := p.(type) {
		case string:
			var m map[string]any
			if m, ok = v.(map[string]any); ok {
				v, ok = m[p]
			}
		case int:
			var l []any
			if l, ok = v.([]any); ok && p < len(l) {
				v = l[p]
			}
		}
		if !ok {
			t.Fatalf("nothing at %v", path[:i+1])
		}
	}
	return v
}

// values returns name → value of an env list.
func values(t *testing.T, env any) map[string]string {
	t.Helper()
	r := map[string]string{}
	for i := range env.([]any) {
		name, value := at(t, env, i, "name"), at(t, env, i, "value")
		text, ok := value.(string)
		if !ok {
			t.Errorf("env %v: %v is no string: quote it", name, value)
		}
		r[name.(string)] = text
	}
	return r
}

// TestManifests holds the manifests together: what one names must be in another,
// and the server must take the flags and the environment.
func TestManifests(t *testing.T) {
	server := manifests(t, folder+"deploy/server.yaml")
	if len(server) != 2 || server[0]["kind"] != "Deployment" || server[1]["kind"] != "Service" {
		t.Fatalf("server.yaml holds %d documents, want a Deployment and a Service", len(server))
	}
	deployment, service := server[0], server[1]
	if v := deployment["apiVersion"]; v != "apps/v1" {
		t.Errorf("Deployment of %v", v)
	}
	labels := at(t, deployment, "spec", "template", "metadata", "labels", "app")
	for _, selector := range []any{at(t, deployment, "spec", "selector", "matchLabels", "app"), at(t, service, "spec", "selector", "app")} {
		if selector != labels {
			t.Errorf("selector %v does not select the pod's label %v", selector, labels)
		}
	}
	container := at(t, deployment, "spec", "template", "spec", "containers", 0)
	ports := map[any]any{}
	for i := range at(t, container, "ports").([]any) {
		ports[at(t, container, "ports", i, "name")] = at(t, container, "ports", i, "containerPort")
	}
	if target := at(t, service, "spec", "ports", 0, "targetPort"); ports[target] == nil {
		t.Errorf("the Service's target %v is no port of the container", target)
	}
	for _, probe := range []string{"readinessProbe", "livenessProbe"} {
		if p := at(t, container, probe, "httpGet", "port"); ports[p] == nil {
			t.Errorf("%s on %v, which is no port of the container", probe, p)
		}
		if p := at(t, container, probe, "httpGet", "path"); p != "/healthz" {
			t.Errorf("%s on %v", probe, p)
		}
	}
	var args []string
	for _, a := range at(t, container, "args").([]any) {
		args = append(args, a.(string))
	}
	env := values(t, at(t, container, "env"))
	c, err := parse("benchserver", args, func(key string) string { return env[key] }, io.Discard)
	if err != nil {
		t.Fatalf("the server does not take its flags: %v", err)
	}
	if want := fmt.Sprintf(":%v", ports["ws"]); c.addr != want {
		t.Errorf("the server listens on %s, its port is %s", c.addr, want)
	}
	if want := fmt.Sprintf(":%v", ports["admin"]); c.adminAddr != want {
		t.Errorf("the admin address is %s, its port %s", c.adminAddr, want)
	}
	if at(t, deployment, "spec", "template", "spec", "securityContext", "runAsNonRoot") != true {
		t.Error("the pod may run as root")
	}

	run := manifests(t, folder+"deploy/testrun.yaml")[0]
	if run["apiVersion"] != "k6.io/v1alpha1" || run["kind"] != "TestRun" {
		t.Errorf("testrun.yaml is a %v of %v", run["kind"], run["apiVersion"])
	}
	known := []string{"parallelism", "script", "arguments", "runner", "separate", "quiet", "cleanup", "initializer", "starter", "paused", "ports", "scuttle"}
	for field := range at(t, run, "spec").(map[string]any) {
		if !slices.Contains(known, field) {
			t.Errorf("TestRun knows no spec.%s", field)
		}
	}
	if n, ok := at(t, run, "spec", "parallelism").(int); !ok || n < 1 {
		t.Errorf("parallelism %v", n)
	}
	scripts := manifests(t, scriptsFile)[0]
	if got, want := at(t, run, "spec", "script", "configMap", "name"), at(t, scripts, "metadata", "name"); got != want {
		t.Errorf("the TestRun wants ConfigMap %v, there is %v", got, want)
	}
	at(t, scripts, "data", at(t, run, "spec", "script", "configMap", "file"))
	url := values(t, at(t, run, "spec", "runner", "env"))["URL"]
	if want := fmt.Sprintf("ws://%v:%v", at(t, service, "metadata", "name"), at(t, service, "spec", "ports", 0, "port")); url != want {
		t.Errorf("the load goes to %q, the Service is %s", url, want)
	}

	// The ConfigMap must hold every file that a script imports.
	size := 0
	data := at(t, scripts, "data").(map[string]any)
	imports := regexp.MustCompile(`(?m)from '([^']+)'`)
	for name, text := range data {
		size += len(name) + len(text.(string))
		for _, m := range imports.FindAllStringSubmatch(text.(string), -1) {
			if strings.HasPrefix(m[1], "k6") {
				continue
			}
			if file, ok := strings.CutPrefix(m[1], "./"); !ok || data[file] == nil {
				t.Errorf("%s imports %s, which the ConfigMap does not hold", name, m[1])
			}
		}
	}
	if size > maxConfigMap {
		t.Errorf("the ConfigMap takes %d bytes, more than %d", size, maxConfigMap)
	}
}

// TestCompose holds compose.yaml to the shape of the load tests.
func TestCompose(t *testing.T) {
	c := at(t, manifests(t, folder+"compose.yaml")[0], "services", "benchserver")
	if got := at(t, c, "ports", 0); got != "9001:9001" {
		t.Errorf("port %v", got)
	}
	limits := at(t, c, "deploy", "resources", "limits")
	if at(t, limits, "cpus") != "2" || at(t, limits, "memory") != "1G" || at(t, c, "memswap_limit") != "1g" {
		t.Errorf("limits %v, swap %v", limits, at(t, c, "memswap_limit"))
	}
	context, file := at(t, c, "build", "context").(string), at(t, c, "build", "dockerfile").(string)
	if _, err := os.Stat(filepath.Join(folder, context, file)); err != nil {
		t.Error(err)
	}
}

// TestStaticBinary builds as the Dockerfile does: the binary must need nothing of
// the image, which is empty.
func TestStaticBinary(t *testing.T) {
	dockerfile, err := os.ReadFile(folder + "Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"FROM scratch", "USER 65534", "CGO_ENABLED=0 go build", "ENV PORT=9001", `ENTRYPOINT ["/benchserver"]`} {
		if !strings.Contains(string(dockerfile), want) {
			t.Errorf("the Dockerfile lacks %q", want)
		}
	}
	if os.Getenv("CHECK_DEPLOY") == "" {
		t.Skip("CHECK_DEPLOY is not set (make deploycheck sets it): it compiles everything anew, without cgo")
	}
	file := filepath.Join(t.TempDir(), "benchserver")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", file, folder)
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b, []byte("/lib64/ld-linux")) {
		t.Error("the binary is linked dynamically")
	}
}

// TestScriptsByK6 has k6 read every script, alone and as an archive.
func TestScriptsByK6(t *testing.T) {
	k6 := strings.Fields(os.Getenv("K6"))
	if len(k6) == 0 {
		t.Skip("K6 is not set (make deploycheck sets it)")
	}
	for _, script := range scripts(t) {
		if filepath.Base(script) == "common.js" {
			continue
		}
		t.Run(filepath.Base(script), func(t *testing.T) {
			out, err := exec.Command(k6[0], append(k6[1:], "inspect", "--execution-requirements", script)...).CombinedOutput()
			if err != nil || !bytes.Contains(out, []byte(`"maxVUs": `)) {
				t.Errorf("inspect: %v\n%s", err, out)
			}
			archive := filepath.Join(t.TempDir(), "archive.tar")
			if out, err := exec.Command(k6[0], append(k6[1:], "archive", "-O", archive, script)...).CombinedOutput(); err != nil {
				t.Errorf("archive: %v\n%s", err, out)
			}
			if out, err := exec.Command(k6[0], append(k6[1:], "inspect", archive)...).CombinedOutput(); err != nil {
				t.Errorf("inspect of the archive: %v\n%s", err, out)
			}
		})
	}
}
