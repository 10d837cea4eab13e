// Command independent checks what the audit log publishes with the libraries of other people: Go's own checksum
// database (golang.org/x/mod/sumdb) and Trillian's tree (github.com/transparency-dev/merkle). It shares no code with the product.
//
//	independent FOLDER
//
// FOLDER holds keys.txt (verifier keys of the log, one a line), witnesses.txt (of its witnesses), checkpoints/*.txt
// (signed notes), inclusion/*.tlog-proof (with the entry as extra data) and consistency/*.txt ("from to", then a hash a
// line). It prints a line of JSON with what was verified, or the first fault, and then ends with 1.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type counts struct {
	Checkpoints  int `json:"checkpoints"`
	Cosignatures int `json:"cosignatures"`
	Inclusion    int `json:"inclusion"`
	Consistency  int `json:"consistency"`
}

type head struct {
	Size uint64
	Hash []byte
}

type trust struct {
	log       []note.Verifier
	witnesses []note.Verifier
}

func main() {
	done, err := verifyFolder(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	text, _ := json.Marshal(done)
	fmt.Println(string(text))
}

func verifyFolder(folder string) (counts, error) {
	done := counts{}
	trusted, err := readTrust(folder)
	if err != nil {
		return done, err
	}
	heads := map[uint64][]byte{}
	err = eachFile(folder, "checkpoints/*.txt", func(text string) error {
		head, cosignatures, err := trusted.openCheckpoint(text)
		if err != nil {
			return err
		}
		if root, ok := heads[head.Size]; ok && !bytes.Equal(root, head.Hash) {
			return fmt.Errorf("two roots of size %d", head.Size)
		}
		heads[head.Size] = head.Hash
		done.Checkpoints++
		done.Cosignatures += cosignatures
		return nil
	})
	if err != nil {
		return done, err
	}
	err = eachFile(folder, "inclusion/*.tlog-proof", func(text string) error {
		done.Inclusion++
		return trusted.verifyInclusion(text)
	})
	if err != nil {
		return done, err
	}
	err = eachFile(folder, "consistency/*.txt", func(text string) error {
		done.Consistency++
		return verifyConsistency(text, heads)
	})
	return done, err
}

func readTrust(folder string) (trust, error) {
	trusted := trust{}
	keys, err := os.ReadFile(filepath.Join(folder, "keys.txt"))
	if err != nil {
		return trusted, err
	}
	for _, line := range strings.Fields(string(keys)) {
		verifier, err := note.NewVerifier(line)
		if err != nil {
			return trusted, fmt.Errorf("%s: %w", line, err)
		}
		trusted.log = append(trusted.log, verifier)
	}
	witnesses, err := os.ReadFile(filepath.Join(folder, "witnesses.txt"))
	if err != nil {
		return trusted, err
	}
	for _, line := range strings.Fields(string(witnesses)) {
		verifier, err := newWitness(line)
		if err != nil {
			return trusted, fmt.Errorf("%s: %w", line, err)
		}
		trusted.witnesses = append(trusted.witnesses, verifier)
	}
	return trusted, nil
}

func eachFile(folder, pattern string, verify func(string) error) error {
	paths, err := filepath.Glob(filepath.Join(folder, pattern))
	if err != nil {
		return err
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := verify(string(text)); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(path), err)
		}
	}
	return nil
}

// openCheckpoint verifies the log's signatures, and counts those of witnesses. The note's signatures are checked by
// the checksum database's code, which also reads its three lines, under the first one that it expects.
func (trusted trust) openCheckpoint(text string) (*head, int, error) {
	verifiers := append(append([]note.Verifier{}, trusted.log...), trusted.witnesses...)
	opened, err := note.Open([]byte(text), note.VerifierList(verifiers...))
	if err != nil {
		return nil, 0, err
	}
	origin, rest, _ := strings.Cut(opened.Text, "\n")
	cosignatures := 0
	isSigned := false
	for _, signature := range opened.Sigs {
		if signature.Name == origin {
			isSigned = true
		} else {
			cosignatures++
		}
	}
	if !isSigned {
		return nil, 0, errors.New("no key of the log has signed this checkpoint")
	}
	tree, err := tlog.ParseTree([]byte("go.sum database tree\n" + rest))
	if err != nil {
		return nil, 0, err
	}
	return &head{uint64(tree.N), tree.Hash[:]}, cosignatures, nil
}

// verifyInclusion reads C2SP tlog-proof.
func (trusted trust) verifyInclusion(text string) error {
	head, checkpointText, found := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("this is no tlog-proof with extra data")
	}
	entry, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	if err != nil {
		return err
	}
	index, err := strconv.ParseUint(strings.TrimPrefix(lines[2], "index "), 10, 63)
	if err != nil {
		return err
	}
	path, err := decodeHashes(lines[3:])
	if err != nil {
		return err
	}
	checkpoint, _, err := trusted.openCheckpoint(checkpointText)
	if err != nil {
		return err
	}
	leaf := rfc6962.DefaultHasher.HashLeaf(entry)
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, index, checkpoint.Size, leaf, path, checkpoint.Hash); err != nil {
		return err
	}
	return tlog.CheckRecord(
		treeProof(path), int64(checkpoint.Size), tlog.Hash(*(*[32]byte)(checkpoint.Hash)), int64(index), tlog.RecordHash(entry))
}

func verifyConsistency(text string, heads map[uint64][]byte) error {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	var from, to uint64
	if _, err := fmt.Sscanf(lines[0], "%d %d", &from, &to); err != nil {
		return err
	}
	path, err := decodeHashes(lines[1:])
	if err != nil {
		return err
	}
	first, second := heads[from], heads[to]
	if first == nil || second == nil {
		return errors.New("there is no checkpoint of one of the sizes")
	}
	if err := proof.VerifyConsistency(rfc6962.DefaultHasher, from, to, path, first, second); err != nil {
		return err
	}
	return tlog.CheckTree(
		treeProof(path), int64(to), tlog.Hash(*(*[32]byte)(second)), int64(from), tlog.Hash(*(*[32]byte)(first)))
}

func decodeHashes(lines []string) ([][]byte, error) {
	hashes := [][]byte{}
	for _, line := range lines {
		hash, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(hash) != sha256.Size {
			return nil, fmt.Errorf("%q is no hash", line)
		}
		hashes = append(hashes, hash)
	}
	return hashes, nil
}

func treeProof(path [][]byte) []tlog.Hash {
	hashes := []tlog.Hash{}
	for _, hash := range path {
		hashes = append(hashes, *(*[32]byte)(hash))
	}
	return hashes
}

// A witness verifies C2SP cosignature/v1.
type witness struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func newWitness(text string) (*witness, error) {
	parts := strings.SplitN(text, "+", 3)
	if len(parts) != 3 {
		return nil, errors.New("this is no verifier key")
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) != 1+ed25519.PublicKeySize || key[0] != 4 {
		return nil, errors.New("this is no key of a witness")
	}
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), key...))
	hash := binary.BigEndian.Uint32(sum[:4])
	if fmt.Sprintf("%08x", hash) != parts[1] {
		return nil, errors.New("the key's hash does not fit")
	}
	return &witness{parts[0], hash, key[1:]}, nil
}

func (w *witness) Name() string { return w.name }

func (w *witness) KeyHash() uint32 { return w.hash }

func (w *witness) Verify(message, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	signed := fmt.Sprintf("cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(signature), message)
	return ed25519.Verify(w.key, []byte(signed), signature[8:])
}
