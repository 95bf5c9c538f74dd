// A client of the kernel in Go, as a stranger would write it from proto/ and docs/integrate.md alone.
//
//		client call STORY.json    makes each RPC of KernelService over mTLS; prints what it saw
//
//	 1. Stubs are made by protoc-gen-go and protoc-gen-go-grpc; package pegwarden/v1 is not committed.
//	 2. Every call has a deadline. A refusal is decided by its code and disposition, never by its text.
//	 3. Debian's grpc marshals with an older protobuf runtime than its protoc-gen-go writes for, so the codec
//	    is given here, and error details are unpacked by hand. Newer grpc needs neither.
package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	pb "pegwarden/v1"
)

const (
	deadline   = 20 * time.Second
	maxMessage = 16 << 20
)

// codec hands messages to the runtime that their stubs are written for.
type codec struct{}

func (codec) Marshal(message interface{}) ([]byte, error) {
	return proto.Marshal(message.(proto.Message))
}
func (codec) Unmarshal(raw []byte, message interface{}) error {
	return proto.Unmarshal(raw, message.(proto.Message))
}
func (codec) Name() string { return "proto" }

// must stops at what this client does not expect.
func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func require(holds bool, what string, seen ...interface{}) {
	if !holds {
		must(fmt.Errorf("%s: %v", what, seen))
	}
}

// --- the story -------------------------------------------------------------------------------------

type files struct{ CA, Certificate, Key string }

type story struct {
	Members                    []string
	Relayer, Indexer, Stranger files
	VaultID                    string          `json:"vault_id"`
	ConstructWithdrawal        json.RawMessage `json:"construct_withdrawal"`
	ConstructAnchor            json.RawMessage `json:"construct_anchor"`
	ConstructSweep             json.RawMessage `json:"construct_sweep"`
	Deposit                    json.RawMessage
	ExpectedDeposit            json.RawMessage `json:"expected_deposit"`
	ExpectedAnchor             json.RawMessage `json:"expected_anchor"`
	Attestations               map[string][]json.RawMessage
}

// read fills a message from protobuf's JSON form.
func read(raw json.RawMessage, message proto.Message) { must(protojson.Unmarshal(raw, message)) }

func (s story) attestations(kind string) []*pb.Attestation {
	var found []*pb.Attestation
	for _, raw := range s.Attestations[kind] {
		attestation := &pb.Attestation{}
		read(raw, attestation)
		found = append(found, attestation)
	}
	return found
}

// --- a member --------------------------------------------------------------------------------------

var called = map[string]bool{}

func connect(address string, given files) pb.KernelServiceClient {
	authority, err := os.ReadFile(given.CA)
	must(err)
	pool := x509.NewCertPool()
	require(pool.AppendCertsFromPEM(authority), "no certificate in", given.CA)
	pair, err := tls.LoadX509KeyPair(given.Certificate, given.Key)
	must(err)
	secure := credentials.NewTLS(&tls.Config{
		RootCAs:      pool,
		Certificates: []tls.Certificate{pair},
		MinVersion:   tls.VersionTLS13,
	})
	channel, err := grpc.Dial(address,
		grpc.WithTransportCredentials(secure),
		grpc.WithUnaryInterceptor(note),
		grpc.WithDefaultCallOptions(
			grpc.ForceCodec(codec{}),
			grpc.MaxCallRecvMsgSize(maxMessage),
			grpc.MaxCallSendMsgSize(maxMessage),
		))
	must(err)
	return pb.NewKernelServiceClient(channel)
}

// note remembers which RPCs were made, and gives each its deadline.
func note(ctx context.Context, method string, request, answer interface{}, channel *grpc.ClientConn,
	invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	called[method[strings.LastIndex(method, "/")+1:]] = true
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	return invoke(ctx, method, request, answer, channel, options...)
}

type refusal struct {
	RPC         string   `json:"rpc"`
	Status      string   `json:"status"`
	Reason      string   `json:"reason"`
	Domain      string   `json:"domain"`
	Code        string   `json:"code"`
	Disposition string   `json:"disposition"`
	Objections  []string `json:"objections"`
	Recorded    bool     `json:"recorded"`
	HasRemedy   bool     `json:"has_remedy"`
}

// statusNames: Go prints PermissionDenied, the wire's name is PERMISSION_DENIED.
func statusName(err error) string {
	var name strings.Builder
	for place, letter := range status.Code(err).String() {
		if place > 0 && letter >= 'A' && letter <= 'Z' {
			name.WriteByte('_')
		}
		name.WriteRune(letter)
	}
	return strings.ToUpper(name.String())
}

// refused reads the details: google.rpc.Status with ErrorInfo and pegwarden.v1.Refusal inside.
func refused(rpc string, err error) refusal {
	require(err != nil, "answered", rpc)
	found := refusal{RPC: rpc, Status: statusName(err)}
	details := status.Convert(err).Proto().GetDetails()
	require(len(details) >= 2, "no details", rpc, err)
	for _, detail := range details {
		switch detail.TypeUrl[strings.LastIndex(detail.TypeUrl, "/")+1:] {
		case "google.rpc.ErrorInfo":
			found.Reason, found.Domain = text(detail.Value, 1), text(detail.Value, 2)
		case "pegwarden.v1.Refusal":
			said := &pb.Refusal{}
			must(proto.Unmarshal(detail.Value, said))
			found.Code, found.Disposition = said.Code, said.Disposition.String()
			for _, objection := range said.Objections {
				found.Objections = append(found.Objections, objection.Code)
			}
			found.Recorded, found.HasRemedy = len(said.DecisionId) == 32, said.Remedy != ""
		}
	}
	return found
}

// text is one string field of a serialised message.
func text(raw []byte, wanted protowire.Number) string {
	for len(raw) > 0 {
		field, kind, size := protowire.ConsumeTag(raw)
		require(size > 0, "malformed details", raw)
		raw = raw[size:]
		if field == wanted && kind == protowire.BytesType {
			value, size := protowire.ConsumeBytes(raw)
			require(size > 0, "malformed details", raw)
			return string(value)
		}
		size = protowire.ConsumeFieldValue(field, kind, raw)
		require(size > 0, "malformed details", raw)
		raw = raw[size:]
	}
	return ""
}

// --- what the kernel states ------------------------------------------------------------------------

func u32(value uint32) []byte { return binary.BigEndian.AppendUint32(nil, value) }
func u64(value uint64) []byte { return binary.BigEndian.AppendUint64(nil, value) }

// sized is bytes behind their u16 length.
func sized(value []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(value))), value...)
}

func verifyStated(info *pb.GetInfoResponse, vault *pb.VaultInfo, said *pb.SignedStatement, fields ...[]byte) {
	digest := sha256.New()
	digest.Write([]byte("pegwarden/" + said.Kind + "/v1\x00"))
	digest.Write(info.GenesisHash)
	digest.Write(vault.Fingerprint)
	for _, field := range fields {
		digest.Write(field)
	}
	require(ed25519.Verify(info.StatementKey, digest.Sum(nil), said.Signature), "bad statement", said.Kind)
}

// --- each RPC --------------------------------------------------------------------------------------

type bridge struct {
	story   story
	ctx     context.Context
	members []pb.KernelServiceClient
	info    *pb.GetInfoResponse
	vault   *pb.VaultInfo
}

type settled struct {
	Txid          string `json:"txid"`
	Complete      bool   `json:"complete"`
	AloneComplete bool   `json:"alone_complete"`
	AloneMissing  int    `json:"alone_missing"`
	transaction   []byte
}

type report = map[string]interface{}

// settle has the transaction explained and signed by every member, and combines.
func (b bridge) settle(psbt []byte, payments []*pb.PaymentClaim, kind string) settled {
	attestations := b.story.attestations(kind)
	var signed [][]byte
	for _, member := range b.members {
		explained, err := member.ExplainPsbt(b.ctx, &pb.ExplainPsbtRequest{
			VaultId: b.story.VaultID, Psbt: psbt, Payments: payments, Attestations: attestations})
		must(err)
		require(explained.WouldSign, "would refuse", explained.Trace)
		request := &pb.SignPsbtRequest{
			VaultId: b.story.VaultID, Psbt: psbt, Payments: payments, Attestations: attestations}
		first, err := member.SignPsbt(b.ctx, request)
		must(err)
		// The answer was lost? The same request again: the same decision, nothing counted twice.
		request.LastSeenHead = first.Head
		again, err := member.SignPsbt(b.ctx, request)
		must(err)
		require(bytes.Equal(first.DecisionId, again.DecisionId) && first.Head == again.Head, "retry", again)
		signed = append(signed, first.Psbt)
	}
	alone, err := b.members[0].ExtractTx(b.ctx, &pb.ExtractTxRequest{VaultId: b.story.VaultID, Psbts: signed[:1]})
	must(err)
	final, err := b.members[0].ExtractTx(b.ctx, &pb.ExtractTxRequest{VaultId: b.story.VaultID, Psbts: signed})
	must(err)
	return settled{final.TxidDisplay, final.Complete, alone.Complete, len(alone.Missing), final.Transaction}
}

func (b bridge) address(said report) {
	member, place := b.members[0], pb.Branch_BRANCH_RECEIVE
	given, err := member.GetVaultAddress(b.ctx, &pb.GetVaultAddressRequest{VaultId: b.story.VaultID, Branch: place})
	must(err)
	it := given.Address
	verifyStated(b.info, b.vault, given.Statement, sized([]byte(it.Address)), sized(it.ScriptPubkey),
		u32(uint32(it.Branch)), u32(it.Index), sized([]byte(it.Derivation)))
	listed, err := member.ListVaultAddresses(b.ctx, &pb.ListVaultAddressesRequest{
		VaultId: b.story.VaultID, Branch: place, Count: 3})
	must(err)
	require(len(listed.Addresses) == 3 && proto.Equal(listed.Addresses[0], it), "addresses", listed)
	verified, err := member.VerifyScript(b.ctx, &pb.VerifyScriptRequest{
		Subject: &pb.VerifyScriptRequest_VaultId{VaultId: b.story.VaultID},
		Expected: []*pb.ExpectedScript{
			{Branch: place, Index: 0, Script: it.ScriptPubkey},
			{Branch: place, Index: 1, Script: it.ScriptPubkey},
		}})
	must(err)
	require(verified.Matches[0] && !verified.Matches[1], "matches", verified)
	said["address"], said["script_type"] = it.Address, verified.ScriptType
}

func (b bridge) deposit() report {
	request, expected := &pb.GenerateDepositPsbtRequest{}, &pb.ExpectedDeposit{}
	read(b.story.Deposit, request)
	read(b.story.ExpectedDeposit, expected)
	it, err := b.members[0].GenerateDepositPsbt(b.ctx, request)
	must(err)
	verifyStated(b.info, b.vault, it.Statement, sized([]byte(it.VaultAddress)), sized(it.VaultScriptPubkey),
		u32(it.VaultVout), u64(it.AmountSat), u32(it.Index), sized(it.Payload))
	seen, err := b.members[0].ValidateOpReturn(b.ctx, &pb.ValidateOpReturnRequest{
		VaultId:         b.story.VaultID,
		Subject:         &pb.ValidateOpReturnRequest_Psbt{Psbt: it.Psbt},
		ExpectedDeposit: expected,
	})
	must(err)
	return report{"valid": seen.DepositValid, "matches": seen.PayloadMatches, "payload": hex.EncodeToString(it.Payload)}
}

// refusals are five ways to hear no.
func (b bridge) refusals(built *pb.ConstructWithdrawalTxResponse) []refusal {
	bare := &pb.SignPsbtRequest{VaultId: b.story.VaultID, Psbt: built.Psbt, Payments: built.Payments}
	cut := proto.Clone(bare).(*pb.SignPsbtRequest)
	cut.Psbt = cut.Psbt[:len(cut.Psbt)-1]
	first := b.members[0]
	indexer := connect(b.story.Members[0], b.story.Indexer)
	stranger := connect(b.story.Members[0], b.story.Stranger)
	nobody := bytes.Repeat([]byte{0xff}, 32)
	_, unattested := first.SignPsbt(b.ctx, bare)
	_, unknown := first.GetWithdrawal(b.ctx, &pb.GetWithdrawalRequest{WithdrawalId: nobody})
	_, malformed := first.SignPsbt(b.ctx, cut)
	_, role := indexer.SignPsbt(b.ctx, bare)
	_, caller := stranger.GetInfo(b.ctx, &pb.GetInfoRequest{})
	return []refusal{
		refused("SignPsbt", unattested), refused("GetWithdrawal", unknown), refused("SignPsbt", malformed),
		refused("SignPsbt", role), refused("GetInfo", caller),
	}
}

func (b bridge) withdrawal(said report) {
	request := &pb.ConstructWithdrawalTxRequest{}
	read(b.story.ConstructWithdrawal, request)
	built, err := b.members[0].ConstructWithdrawalTx(b.ctx, request)
	must(err)
	same, err := b.members[1].ConstructWithdrawalTx(b.ctx, request)
	must(err)
	require(bytes.Equal(built.Psbt, same.Psbt), "members differ", "ConstructWithdrawalTx")
	said["refusals"] = b.refusals(built)
	said["withdrawal"] = b.settle(built.Psbt, built.Payments, "withdrawal")

	id := built.Payments[0].WithdrawalId
	record, err := b.members[0].GetWithdrawal(b.ctx, &pb.GetWithdrawalRequest{WithdrawalId: id})
	must(err)
	listed, err := b.members[0].ListWithdrawals(b.ctx, &pb.ListWithdrawalsRequest{VaultId: b.story.VaultID})
	must(err)
	coins, err := b.members[0].ListCoins(b.ctx, &pb.ListCoinsRequest{VaultId: b.story.VaultID})
	must(err)
	said["record"] = report{"state": record.Withdrawal.State, "versions": len(record.Withdrawal.Versions),
		"listed": len(listed.Withdrawals), "coins": len(coins.Coins)}
}

func (b bridge) anchor() report {
	request, expected := &pb.ConstructAnchorTxRequest{}, &pb.ExpectedAnchor{}
	read(b.story.ConstructAnchor, request)
	read(b.story.ExpectedAnchor, expected)
	built, err := b.members[0].ConstructAnchorTx(b.ctx, request)
	must(err)
	final := b.settle(built.Psbt, nil, "anchor")
	var previous [][]byte
	for _, coin := range request.Coins {
		previous = append(previous, coin.PreviousTx)
	}
	seen, err := b.members[0].ValidateOpReturn(b.ctx, &pb.ValidateOpReturnRequest{
		VaultId:              b.story.VaultID,
		Subject:              &pb.ValidateOpReturnRequest_Transaction{Transaction: final.transaction},
		PreviousTransactions: previous,
		ExpectedAnchor:       expected,
	})
	must(err)
	return report{"txid": final.Txid, "complete": final.Complete, "alone_complete": final.AloneComplete,
		"alone_missing": final.AloneMissing, "valid": seen.AnchorValid, "matches": seen.PayloadMatches}
}

func (b bridge) sweep() settled {
	request := &pb.ConstructSweepTxRequest{}
	read(b.story.ConstructSweep, request)
	built, err := b.members[0].ConstructSweepTx(b.ctx, request)
	must(err)
	return b.settle(built.Psbt, nil, "sweep")
}

func call(path string) report {
	raw, err := os.ReadFile(path)
	must(err)
	b := bridge{ctx: context.Background()}
	must(json.Unmarshal(raw, &b.story))
	for _, address := range b.story.Members {
		b.members = append(b.members, connect(address, b.story.Relayer))
	}
	b.info, err = b.members[0].GetInfo(b.ctx, &pb.GetInfoRequest{})
	must(err)
	for _, each := range b.info.Vaults {
		if each.VaultId == b.story.VaultID {
			b.vault = each
		}
	}
	require(b.vault != nil, "no such vault", b.story.VaultID)
	said := report{"ready": b.info.Ready, "deposit": b.deposit()}
	b.address(said)
	b.withdrawal(said)
	said["anchor"], said["sweep"] = b.anchor(), b.sweep()
	var names []string
	for name := range called {
		names = append(names, name)
	}
	sort.Strings(names)
	said["called"] = names
	return said
}

func main() {
	if len(os.Args) != 3 || os.Args[1] != "call" {
		must(errors.New("usage: client call STORY.json"))
	}
	answer, err := json.MarshalIndent(call(os.Args[2]), "", " ")
	must(err)
	fmt.Println(string(answer))
}
