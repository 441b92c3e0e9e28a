/*
 * Which programs of classic BPF may run. See bpf.h.
 *
 * The rules are Linux's, so that it takes what that takes and refuses what that refuses.
 */
#include <linux/errno.h>

#include "lib/string.h"
#include "net/filter/bpf.h"

/* ---- single instructions ------------------------------------------------------------ */

static bool is_ancillary(uint32_t k)
{
	switch (k - (uint32_t)SKF_AD_OFF) {
	case SKF_AD_PROTOCOL:
	case SKF_AD_PKTTYPE:
	case SKF_AD_IFINDEX:
	case SKF_AD_NLATTR:
	case SKF_AD_NLATTR_NEST:
	case SKF_AD_MARK:
	case SKF_AD_QUEUE:
	case SKF_AD_HATYPE:
	case SKF_AD_RXHASH:
	case SKF_AD_CPU:
	case SKF_AD_ALU_XOR_X:
	case SKF_AD_VLAN_TAG:
	case SKF_AD_VLAN_TAG_PRESENT:
	case SKF_AD_PAY_OFFSET:
	case SKF_AD_RANDOM:
	case SKF_AD_VLAN_TPID:
		return true;
	default:
		return false;
	}
}

static bool alu_is_valid(const struct sock_filter *insn)
{
	bool is_constant = BPF_SRC(insn->code) == BPF_K;

	if (insn->code & ~(BPF_CLASS(0xff) | BPF_OP(0xff) | BPF_X))
		return false;
	switch (BPF_OP(insn->code)) {
	case BPF_ADD:
	case BPF_SUB:
	case BPF_MUL:
	case BPF_AND:
	case BPF_OR:
	case BPF_XOR:
		return true;
	case BPF_DIV:
	case BPF_MOD:
		return !is_constant || insn->k;
	case BPF_LSH:
	case BPF_RSH:
		return !is_constant || insn->k < 32;
	case BPF_NEG:
		return is_constant;
	default:
		return false;
	}
}

static bool load_is_valid(const struct sock_filter *insn)
{
	switch (insn->code) {
	case BPF_LD | BPF_W | BPF_ABS:
	case BPF_LD | BPF_H | BPF_ABS:
	case BPF_LD | BPF_B | BPF_ABS:
		return insn->k < (uint32_t)SKF_AD_OFF || is_ancillary(insn->k);
	case BPF_LD | BPF_W | BPF_IND:
	case BPF_LD | BPF_H | BPF_IND:
	case BPF_LD | BPF_B | BPF_IND:
	case BPF_LD | BPF_W | BPF_LEN:
	case BPF_LD | BPF_IMM:
	case BPF_LDX | BPF_W | BPF_LEN:
	case BPF_LDX | BPF_B | BPF_MSH:
	case BPF_LDX | BPF_IMM:
		return true;
	case BPF_LD | BPF_MEM:
	case BPF_LDX | BPF_MEM:
		return insn->k < BPF_MEMWORDS;
	default:
		return false;
	}
}

/* left: instructions behind this one. */
static bool jump_is_valid(const struct sock_filter *insn, uint32_t left)
{
	switch (insn->code) {
	case BPF_JMP | BPF_JA:
		return insn->k < left;
	case BPF_JMP | BPF_JEQ | BPF_K:
	case BPF_JMP | BPF_JEQ | BPF_X:
	case BPF_JMP | BPF_JGE | BPF_K:
	case BPF_JMP | BPF_JGE | BPF_X:
	case BPF_JMP | BPF_JGT | BPF_K:
	case BPF_JMP | BPF_JGT | BPF_X:
	case BPF_JMP | BPF_JSET | BPF_K:
	case BPF_JMP | BPF_JSET | BPF_X:
		return insn->jt < left && insn->jf < left;
	default:
		return false;
	}
}

static bool is_return(const struct sock_filter *insn)
{
	return insn->code == (BPF_RET | BPF_K) || insn->code == (BPF_RET | BPF_A);
}

static bool insn_is_valid(const struct sock_filter *insn, uint32_t left)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
	case BPF_LDX:
		return load_is_valid(insn);
	case BPF_ST:
		return insn->code == BPF_ST && insn->k < BPF_MEMWORDS;
	case BPF_STX:
		return insn->code == BPF_STX && insn->k < BPF_MEMWORDS;
	case BPF_ALU:
		return alu_is_valid(insn);
	case BPF_JMP:
		return jump_is_valid(insn, left);
	case BPF_RET:
		return is_return(insn);
	default:
		return insn->code == (BPF_MISC | BPF_TAX) || insn->code == (BPF_MISC | BPF_TXA);
	}
}

/* ---- memory ------------------------------------------------------------------------- */

/*
 * One instruction of the walk that finds reads of words which are not written on every way there.
 * written: a bit for each word; a way that nobody goes has written all. written_at: what jumps to
 * each instruction bring along.
 */
static bool memory_step(const struct sock_filter *program, uint32_t at, uint16_t *written_at,
                        uint16_t *written)
{
	const struct sock_filter *insn = &program[at];

	*written &= written_at[at];
	switch (insn->code) {
	case BPF_ST:
	case BPF_STX:
		*written |= (uint16_t)(1u << insn->k);
		return true;
	case BPF_LD | BPF_MEM:
	case BPF_LDX | BPF_MEM:
		return *written & (1u << insn->k);
	case BPF_JMP | BPF_JA:
		written_at[at + 1 + insn->k] &= *written;
		*written = UINT16_MAX;
		return true;
	default:
		if (BPF_CLASS(insn->code) != BPF_JMP)
			return true;
		written_at[at + 1 + insn->jt] &= *written;
		written_at[at + 1 + insn->jf] &= *written;
		*written = UINT16_MAX;
		return true;
	}
}

int bpf_check(const struct sock_filter *program, uint32_t nr, uint16_t *room)
{
	uint16_t written = 0;

	if (!nr || nr > BPF_MAXINSNS)
		return -EINVAL;
	for (uint32_t i = 0; i < nr; i++) {
		if (!insn_is_valid(&program[i], nr - i - 1))
			return -EINVAL;
	}
	if (!is_return(&program[nr - 1]))
		return -EINVAL;
	memset(room, 0xff, nr * sizeof(*room));
	for (uint32_t i = 0; i < nr; i++) {
		if (!memory_step(program, i, room, &written))
			return -EINVAL;
	}
	return 0;
}
