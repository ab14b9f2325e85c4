/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reading.c - what libdw says about one ELF file */
#include "locate/reading.h"

#include <dwarf.h>
#include <elfutils/libdwfl.h>

#include "base/cleanup.h"

struct reading {
	Dwfl *dwfl;
	Dwfl_Module *mod;
	int fd;			/* until libdw takes them; then -1 */
	int debug_fd;
	unsigned word;		/* of the code, 4 or 8; 0: another machine */
	bool has_lines;		/* the file itself has line numbers */
};

static int find_elf(Dwfl_Module *mod, void **userdata, const char *name,
		    Dwarf_Addr base, char **file_name, Elf **elf)
{
	struct reading *r = *userdata;

	(void)mod;
	(void)name;
	(void)base;
	(void)file_name;
	(void)elf;
	return TAKE_FD(r->fd);
}

static int find_debuginfo(Dwfl_Module *mod, void **userdata, const char *name,
			  Dwarf_Addr base, const char *file,
			  const char *debug_link, GElf_Word crc,
			  char **file_name)
{
	struct reading *r = *userdata;

	(void)mod;
	(void)name;
	(void)base;
	(void)file;
	(void)debug_link;
	(void)crc;
	(void)file_name;
	return TAKE_FD(r->debug_fd);
}

static const Dwfl_Callbacks callbacks = {
	.find_elf = find_elf,
	.find_debuginfo = find_debuginfo,
};

static bool has_section(Elf *elf, const char *name)
{
	Elf_Scn *scn = NULL;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return false;
	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr header;
		const char *s = NULL;

		if (gelf_getshdr(scn, &header))
			s = elf_strptr(elf, names, header.sh_name);
		if (s && !strcmp(s, name))
			return true;
	}
	return false;
}

static unsigned word_of(Elf *elf)
{
	GElf_Ehdr ehdr;

	if (!gelf_getehdr(elf, &ehdr))
		return 0;
	switch (ehdr.e_machine) {
	case EM_X86_64:
		return 8;
	case EM_386:
		return 4;
	default:
		return 0;
	}
}

static bool open_file(struct reading *r, uint64_t start, uint64_t end)
{
	GElf_Addr bias;
	void **userdata;
	Elf *elf;

	r->dwfl = dwfl_begin(&callbacks);
	if (!r->dwfl)
		return false;
	dwfl_report_begin(r->dwfl);
	r->mod = dwfl_report_module(r->dwfl, "file", start, end);
	if (r->mod && dwfl_module_info(r->mod, &userdata, NULL, NULL, NULL,
				       NULL, NULL, NULL))
		*userdata = r;
	if (dwfl_report_end(r->dwfl, NULL, NULL) || !r->mod)
		return false;
	elf = dwfl_module_getelf(r->mod, &bias);
	if (!elf)
		return false;
	r->word = word_of(elf);
	/*
	 * To unpack the debug file of a C library takes longer than everything
	 * else together, and hardly anyone wants to know its line numbers.
	 */
	r->has_lines = has_section(elf, ".debug_line");
	/* then it has all there is, and what libdw asks for is another file */
	if (has_section(elf, ".gnu_debugaltlink") && r->debug_fd >= 0)
		close(TAKE_FD(r->debug_fd));
	return true;
}

struct reading *reading_open(uint64_t start, uint64_t end, int fd,
			     int debug_fd)
{
	struct reading *r = calloc(1, sizeof(*r));

	if (!r) {
		cleanup_close(&fd);
		cleanup_close(&debug_fd);
		return NULL;
	}
	r->fd = fd;
	r->debug_fd = debug_fd;
	if (!open_file(r, start, end)) {
		reading_close(r);
		return NULL;
	}
	return r;
}

void reading_close(struct reading *r)
{
	if (!r)
		return;
	if (r->dwfl)
		dwfl_end(r->dwfl);
	cleanup_close(&r->fd);
	cleanup_close(&r->debug_fd);
	free(r);
}

/* The forms of a rule that need no evaluation later. */
static bool rule_simple(const Dwarf_Op *ops, size_t count,
			struct cfi_rule *ret)
{
	struct cfi_rule rule = { .how = CFI_SAVED };

	if (!count)
		return false;
	switch (ops[0].atom) {
	case DW_OP_regx:
		rule.how = CFI_REGISTER;
		rule.reg = (uint8_t)ops[0].number;
		*ret = rule;
		return count == 1 && ops[0].number < CFI_REGS;
	case DW_OP_call_frame_cfa:
		break;
	default:
		return false;
	}
	ops++;
	count--;
	if (count && ops[0].atom == DW_OP_plus_uconst) {
		rule.offset = (int64_t)ops[0].number;
		ops++;
		count--;
	}
	if (count && ops[0].atom == DW_OP_stack_value) {
		rule.how = CFI_CFA;
		count--;
	}
	*ret = rule;
	return !count;
}

/* A row that is being put together, with the expressions' operations. */
struct row {
	struct cfi_said *said;
	struct cfi_op *ops;
};

/* Refer to the operations; false if there is no room for more. */
static bool rule_expression(struct row *row, enum cfi_how how,
			    const Dwarf_Op *ops, size_t count,
			    struct cfi_rule *ret)
{
	struct cfi_op *to = &row->ops[row->said->ops_count];

	if (count > CFI_OPS_MAX - (size_t)row->said->ops_count)
		return false;
	*ret = (struct cfi_rule){
		.how = how,
		.first = row->said->ops_count,
		.count = (uint16_t)count,
	};
	for (size_t i = 0; i < count; i++)
		to[i] = (struct cfi_op){ ops[i].atom, ops[i].number,
					 ops[i].number2 };
	row->said->ops_count += (uint16_t)count;
	return true;
}

/* libdw uses `mem` for what is no expression. */
static struct cfi_rule rule_of(struct row *row, Dwarf_Frame *frame, int reg)
{
	Dwarf_Op mem[3], *ops;
	struct cfi_rule rule = { .how = CFI_UNKNOWN };
	enum cfi_how how = CFI_SAVED_EXPRESSION;
	size_t count;

	if (dwarf_frame_register(frame, reg, mem, &ops, &count))
		return rule;
	if (!count) {
		rule.how = ops ? CFI_UNDEFINED : CFI_SAME;
		return rule;
	}
	if (rule_simple(ops, count, &rule))
		return rule;
	if (ops[count - 1].atom == DW_OP_stack_value) {
		how = CFI_EXPRESSION;
		count--;
	}
	if (ops == mem || !rule_expression(row, how, ops, count, &rule))
		rule = (struct cfi_rule){ .how = CFI_UNKNOWN };
	return rule;
}

static bool cfa_rule(struct row *row, Dwarf_Frame *frame)
{
	struct cfi_rule *ret = &row->said->cfa;
	Dwarf_Op *ops;
	size_t count;

	if (dwarf_frame_cfa(frame, &ops, &count) || !count)
		return false;
	if (count > 1 || ops->atom != DW_OP_bregx)
		return rule_expression(row, CFI_EXPRESSION, ops, count, ret);
	if (ops->number >= CFI_REGS)
		return false;
	*ret = (struct cfi_rule){
		.how = CFI_REGISTER,
		.reg = (uint8_t)ops->number,
		.offset = (int64_t)ops->number2,
	};
	return true;
}

static void cleanup_frame(Dwarf_Frame **frame)
{
	free(*frame);
}

static bool row_of(struct reading *r, Dwarf_CFI *cfi, uint64_t addr,
		   struct row *row)
{
	const struct cfi_machine *machine =
		r->word == 8 ? &cfi_machine_64 : &cfi_machine_32;
	CLEANUP(cleanup_frame) Dwarf_Frame *frame = NULL;
	bool is_signal;

	if (!cfi)
		return false;
	if (dwarf_cfi_addrframe(cfi, addr, &frame)) {
		frame = NULL;
		return false;
	}
	*row->said = (struct cfi_said){ .word = machine->word };

	int ra = dwarf_frame_info(frame, &row->said->start, NULL, &is_signal);

	if (ra < 0 || ra >= machine->regs || !cfa_rule(row, frame))
		return false;
	row->said->ra = (uint8_t)ra;
	row->said->is_signal = is_signal;
	for (int i = 0; i < machine->regs; i++)
		row->said->rules[i] = rule_of(row, frame, i);
	return true;
}

bool reading_row(struct reading *r, uint64_t pc, struct cfi_said *ret,
		 struct cfi_op ops_ret[CFI_OPS_MAX])
{
	struct row row = { ret, ops_ret };
	Dwarf_Addr bias;
	Dwarf_CFI *cfi;

	if (!r->word)
		return false;
	cfi = dwfl_module_eh_cfi(r->mod, &bias);
	if (!row_of(r, cfi, pc - bias, &row)) {
		cfi = dwfl_module_dwarf_cfi(r->mod, &bias);
		if (!row_of(r, cfi, pc - bias, &row))
			return false;
	}
	ret->start += bias;
	return true;
}

void reading_place(struct reading *r, uint64_t pc, bool lines,
		   struct reading_place *ret)
{
	GElf_Off offset = 0;
	GElf_Sym sym;
	Dwfl_Line *source;
	int line = 0;

	*ret = (struct reading_place){
		.function = dwfl_module_addrinfo(r->mod, pc, &offset, &sym,
						 NULL, NULL, NULL),
	};
	if (ret->function)
		ret->offset = offset;
	source = lines && r->has_lines ? dwfl_module_getsrc(r->mod, pc) : NULL;
	if (source)
		ret->file = dwfl_lineinfo(source, NULL, &line, NULL, NULL, NULL);
	if (ret->file && line > 0)
		ret->line = (unsigned)line;
}
