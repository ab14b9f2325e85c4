# SPDX-License-Identifier: GPL-3.0-or-later
# load.pl - Perl for signals to interrupt
#
# Computes until the other end of standard input is closed.
use strict;
use warnings;

my $wrong = 0;
my $text = join ' ', map { "word$_" } 1 .. 500;

sub collatz {
	my ($n, $steps) = (shift, 0);
	while ($n != 1) {
		$n = $n % 2 ? 3 * $n + 1 : $n / 2;
		$steps++;
	}
	return $steps;
}

sub depth {
	no warnings 'recursion';
	return $_[0] ? 1 + depth($_[0] - 1) : 0;
}

$| = 1;
print "READY\n";
for (;;) {
	my $in = '';
	vec($in, fileno(STDIN), 1) = 1;
	last if select($in, undef, undef, 0.002) > 0;
	$wrong++ unless collatz(27) == 111;
	$wrong++ unless () = $text =~ /word(\d+)(?= word|$)/g;
	my %seen;
	$seen{$_}++ for split ' ', $text;
	my @sorted = sort { $seen{$a} <=> $seen{$b} || $a cmp $b } keys %seen;
	$wrong++ unless @sorted == 500;
	$wrong++ unless depth(150) == 150;
}
exit($wrong ? 1 : 0);
