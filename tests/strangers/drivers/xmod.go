// golang.org/x/mod/sumdb/{note,tlog} over cases.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type given struct {
	Kind, Vkey, Origin string
	Older, Proof, Leaf []byte
}

type head struct {
	size int64
	root tlog.Hash
}

// open verifies a checkpoint; the package's own reader knows one origin only.
func open(written string, c given) (head, error) {
	var h head
	verifier, err := note.NewVerifier(c.Vkey)
	if err != nil {
		return h, err
	}
	opened, err := note.Open([]byte(written), note.VerifierList(verifier))
	if err != nil {
		return h, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != c.Origin {
		return h, fmt.Errorf("of another origin")
	}
	if h.size, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return h, err
	}
	h.root, err = tlog.ParseHash(lines[2])
	return h, err
}

func fields(text, opening string) (n int64, path []tlog.Hash, written string, err error) {
	before, written, found := strings.Cut(text, "\n\n")
	if !found || !strings.HasPrefix(before, opening) {
		return 0, nil, "", fmt.Errorf("does not begin with %s", opening)
	}
	lines := strings.Split(strings.TrimPrefix(before, opening), "\n")
	if n, err = strconv.ParseInt(lines[0], 10, 64); err != nil {
		return
	}
	for _, line := range lines[1:] {
		h, err := tlog.ParseHash(line)
		if err != nil {
			return 0, nil, "", err
		}
		path = append(path, h)
	}
	return
}

func check(c given) error {
	if c.Kind == "checkpoint" {
		_, err := open(string(c.Older), c)
		return err
	}
	if c.Kind == "inclusion" {
		n, path, written, err := fields(string(c.Proof), "c2sp.org/tlog-proof@v1\nindex ")
		if err != nil {
			return err
		}
		h, err := open(written, c)
		if err != nil {
			return err
		}
		return tlog.CheckRecord(path, h.size, h.root, n, tlog.RecordHash(c.Leaf))
	}
	n, path, written, err := fields(string(c.Proof), "old ")
	if err != nil {
		return err
	}
	newer, err := open(written, c)
	if err != nil {
		return err
	}
	older, err := open(string(c.Older), c)
	if err != nil {
		return err
	}
	return tlog.CheckTree(path, newer.size, newer.root, n, older.root)
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for in.Scan() {
		var raw map[string]string
		if err := json.Unmarshal(in.Bytes(), &raw); err != nil {
			panic(err)
		}
		c := given{Kind: raw["kind"], Vkey: raw["vkey"], Origin: raw["origin"]}
		c.Older, _ = base64.StdEncoding.DecodeString(raw["older"])
		c.Proof, _ = base64.StdEncoding.DecodeString(raw["proof"])
		c.Leaf, _ = base64.StdEncoding.DecodeString(raw["leaf"])
		if err := check(c); err != nil {
			fmt.Fprintln(out, "refuse", strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Fprintln(out, "accept")
		}
	}
}
