# SPDX-License-Identifier: GPL-3.0-or-later
# fuzz.mk - builds the fuzz targets and all they test with sanitizers
#
# The Makefile calls it, in the build directory, with: srcdir, OUT (where all of
# it goes), CC, FLAGS (to compile), LINK (to link), SOURCES (of the program,
# headers too; relative to srcdir or, if they are generated, here), CPPFLAGS,
# LIBS (those of the program's own are left out), TARGETS, and MAIN, driver.c or
# nothing where libFuzzer has one; PURE_FLAGS are for src/x86 and src/kernel.

VPATH = $(srcdir)
quiet = $(if $(filter 1,$(V)),,@printf '  %-8s %s\n' $(1) $@;)
common = tests/fuzz/examine.c tests/fuzz/fuzz.c tests/fuzz/json_check.c \
	tests/unit/consistent.c tests/unit/made.c $(MAIN)
pure = $(addprefix $(srcdir)/src/,x86/% kernel/%)
objects = $(patsubst %.c,$(OUT)/%.o,$(filter %.c,$(SOURCES)) $(common))
targets = $(patsubst %,$(OUT)/fuzz_%,$(TARGETS))

all: $(targets)
$(targets): $(OUT)/fuzz_%: $(OUT)/tests/fuzz/fuzz_%.o $(OUT)/common.a
	$(call quiet,CCLD)$(CC) $(LINK) -o $@ $< $(OUT)/common.a $(filter-out %.a,$(LIBS))

$(OUT)/common.a: $(objects)
	$(call quiet,AR)rm -f $@ && \
		$(AR) cr $@ $(objects)

$(OUT)/%.o: %.c
	@mkdir -p $(@D)
	$(call quiet,CC)$(CC) $(FLAGS) $(if $(filter $(pure),$<),$(PURE_FLAGS)) \
		$(CPPFLAGS) -MMD -MP -c -o $@ $<

.SECONDARY:
-include $(objects:.o=.d) $(patsubst %,$(OUT)/tests/fuzz/fuzz_%.d,$(TARGETS))
