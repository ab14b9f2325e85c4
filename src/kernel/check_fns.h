/* SPDX-License-Identifier: GPL-3.0-or-later */
/* check_fns.h - the functions behind the rows of checks[], for checks.c only */
#ifndef SIGFRAME_KERNEL_CHECK_FNS_H
#define SIGFRAME_KERNEL_CHECK_FNS_H

#include "kernel/checks.h"

/* TRI_YES: what the name says is so. What each means stands in its row. */
enum tri check_rules_unknown(const struct walk *w);
enum tri check_frame_out_of_range(const struct walk *w);
enum tri check_frame_unreadable(const struct walk *w);
enum tri check_restorer_missing(const struct walk *w);
enum tri check_restorer_not_executable(const struct walk *w);
enum tri check_fpstate_out_of_range(const struct walk *w);
enum tri check_fpstate_unreadable(const struct walk *w);
enum tri check_xstate_missing(const struct walk *w);
enum tri check_target_without_xsave(const struct walk *w);
enum tri check_software_bytes_unreadable(const struct walk *w);
enum tri check_magic1_wrong(const struct walk *w);
enum tri check_size_below_minimum(const struct walk *w);
enum tri check_size_over_target(const struct walk *w);
enum tri check_extended_size_short(const struct walk *w);
enum tri check_magic2_unreadable_fatal(const struct walk *w);
enum tri check_magic2_unreadable_fx(const struct walk *w);
enum tri check_magic2_wrong(const struct walk *w);
enum tri check_magic2_not_at_user_size(const struct walk *w);
enum tri check_size_short_of_features(const struct walk *w);
enum tri check_misaligned_fx(const struct walk *w);
enum tri check_mxcsr_faults(const struct walk *w);
enum tri check_mxcsr_bits_dropped(const struct walk *w);
enum tri check_xstate_misaligned(const struct walk *w);
enum tri check_fxsave_misaligned(const struct walk *w);
enum tri check_header_reserved(const struct walk *w);
enum tri check_xcomp_bv_rejected(const struct walk *w);
enum tri check_fallback_rejects(const struct walk *w);
enum tri check_in_use_unsupported(const struct walk *w);
enum tri check_dynamic_feature_off(const struct walk *w);
enum tri check_image_unreadable(const struct walk *w);
enum tri check_fxsave_unreadable(const struct walk *w);
enum tri check_prefault_fails(const struct walk *w);
enum tri check_fpstate_null(const struct walk *w);
enum tri check_in_use_not_claimed(const struct walk *w);
enum tri check_in_use_not_enabled(const struct walk *w);
enum tri check_in_use_unreadable(const struct walk *w);
enum tri check_header_unannounced(const struct walk *w);
void values_unannounced(const struct walk *w, uint64_t ret[CHECK_VALUES]);
enum tri check_past_frame_end(const struct walk *w);
enum tri check_layout_differs(const struct walk *w);
enum tri check_layout_unknown(const struct walk *w);
enum tri check_mxcsr_may_reset(const struct walk *w);
enum tri check_rip_out_of_range(const struct walk *w);
enum tri check_rip_unmapped(const struct walk *w);
enum tri check_rip_not_executable(const struct walk *w);
enum tri check_cs_invalid(const struct walk *w);
enum tri check_ss_invalid(const struct walk *w);
enum tri check_rip_above_4g(const struct walk *w);
enum tri check_rsp_above_4g(const struct walk *w);

/* What its row has to tell: one or two values, the rest untouched. */
void values_pretcode(const struct walk *w, uint64_t ret[CHECK_VALUES]);
void values_fpstate(const struct walk *w, uint64_t ret[CHECK_VALUES]);
void values_size(const struct walk *w, uint64_t ret[CHECK_VALUES]);
void values_extended(const struct walk *w, uint64_t ret[CHECK_VALUES]);
void values_needed(const struct walk *w, uint64_t ret[CHECK_VALUES]);
void values_magic1(const struct walk *w, uint64_t ret[CHECK_VALUES]);
void values_image(const struct walk *w, uint64_t ret[CHECK_VALUES]);
void values_mxcsr(const struct walk *w, uint64_t ret[CHECK_VALUES]);
void values_xcomp(const struct walk *w, uint64_t ret[CHECK_VALUES]);
void values_unsupported(const struct walk *w, uint64_t ret[CHECK_VALUES]);
void values_touched(const struct walk *w, uint64_t ret[CHECK_VALUES]);
void values_not_claimed(const struct walk *w, uint64_t ret[CHECK_VALUES]);
void values_not_enabled(const struct walk *w, uint64_t ret[CHECK_VALUES]);
void values_rip(const struct walk *w, uint64_t ret[CHECK_VALUES]);
void values_cs(const struct walk *w, uint64_t ret[CHECK_VALUES]);
void values_ss(const struct walk *w, uint64_t ret[CHECK_VALUES]);
void values_beyond(const struct walk *w, uint64_t ret[CHECK_VALUES]);
void values_misplaced(const struct walk *w, uint64_t ret[CHECK_VALUES]);
void values_placeless(const struct walk *w, uint64_t ret[CHECK_VALUES]);
void values_rsp(const struct walk *w, uint64_t ret[CHECK_VALUES]);

#endif
