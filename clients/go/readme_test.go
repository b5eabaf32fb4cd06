package onhook_test

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"onhook.dev/onhook/onhooktest"
)

func readmeBlocks(t *testing.T) []string {
	t.Helper()
	content, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, found := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllSubmatch(content, -1) {
		blocks = append(blocks, string(found[1]))
	}
	return blocks
}

func TestTheReadmesConsumerRuns(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gateway := onhooktest.NewGateway(onhooktest.WithListener(listener))
	defer gateway.Close()

	program := consumer(t, strings.Replace(readmeBlocks(t)[0], "127.0.0.1:50051", listener.Addr().String(), 1))
	process := exec.Command(program)
	output, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = process.Process.Kill() // it receives until then
		_ = process.Wait()
	}()
	event := onhooktest.NewEvent("c-1")
	gateway.Publish(event)
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil || line != event.GetEventId()+"\n" {
		t.Errorf("it wrote %q, %v", line, err)
	}
	if _, err := gateway.AwaitSettlements(t.Context(), 1); err != nil {
		t.Error(err)
	}
}

// consumer builds a program as a module of its own, with this one in its place.
func consumer(t *testing.T, source string) string {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	requirements, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	_, required, _ := strings.Cut(string(requirements), "\n")
	module := "module consumer\n" + required +
		"\nrequire onhook.dev/onhook v0.1.0\n\nreplace onhook.dev/onhook => " + here + "\n"
	sums, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for name, content := range map[string]string{"main.go": source, "go.mod": module, "go.sum": string(sums)} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(folder, "consumer")
	build := exec.Command("go", "build", "-mod=mod", "-o", program, ".")
	build.Dir = folder
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	return program
}

func TestTheReadmesCodeIsThatOfTheExamples(t *testing.T) {
	examples, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range readmeBlocks(t)[1:] {
		indented := regexp.MustCompile(`(?m)^(.)`).ReplaceAllString(block, "\t$1")
		if !strings.Contains(string(examples), indented) {
			t.Errorf("no example has this:\n%s", block)
		}
	}
}
