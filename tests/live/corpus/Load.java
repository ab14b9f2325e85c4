// SPDX-License-Identifier: GPL-3.0-or-later
// Load.java - Java threads for signals to interrupt, in compiled code and not
//
// Usage: Load LIBRARY. Loads that library, which handles signals, and computes
// until the other end of standard input is closed. Status 0 if all is right.

import java.util.ArrayList;
import java.util.HashMap;

class Load {
    static volatile boolean stop;
    static volatile int wrong;

    interface Work {
        boolean run() throws Exception;
    }

    static int collatz(int start) {
        int steps = 0;
        for (long n = start; n != 1; steps++)
            n = n % 2 == 0 ? n / 2 : 3 * n + 1;
        return steps;
    }

    static boolean numbers() {
        int sum = 0;
        for (int i = 1; i < 300; i++)
            sum += collatz(i);
        return sum == SUM;
    }

    static final int SUM = expected();

    static int expected() {
        int sum = 0;
        for (int i = 1; i < 300; i++)
            sum += collatz(i);
        return sum;
    }

    static boolean vectors() {
        double[] a = new double[512], b = new double[512];
        double sum = 0;
        for (int i = 0; i < a.length; i++)
            a[i] = i;
        for (int i = 0; i < a.length; i++)
            b[i] = 2 * a[i] + 1;
        for (double x : b)
            sum += x;
        return sum == 512.0 * 512.0;
    }

    static boolean objects() {
        HashMap<String, Integer> map = new HashMap<>();
        ArrayList<String> list = new ArrayList<>();
        for (int i = 0; i < 500; i++) {
            list.add("key " + i);
            map.put(list.get(i), i);
        }
        int sum = 0;
        for (String s : list)
            sum += map.get(s);
        return sum == 499 * 500 / 2;
    }

    // Once its type is known well, compiled code has no check but a fault.
    static boolean faults() {
        int caught = 0;
        for (int i = 0; i < 50; i++) {
            String s = i % 25 == 24 ? null : "text";
            try {
                caught += s.length() - 4;
            } catch (NullPointerException e) {
                caught += 1;
            }
        }
        return caught == 2;
    }

    static boolean sleeps() throws Exception {
        Thread.sleep(2);
        return true;
    }

    static void start(String name, Work work) {
        Thread t = new Thread(() -> {
            while (!stop) {
                try {
                    if (!work.run())
                        wrong++;
                    Thread.sleep(1);
                } catch (Exception e) {
                    wrong++;
                }
            }
        }, name);
        t.setDaemon(false);
        t.start();
    }

    public static void main(String[] arguments) throws Exception {
        System.load(arguments[0]);
        start("numbers", Load::numbers);
        start("vectors", Load::vectors);
        start("objects", Load::objects);
        start("faults", Load::faults);
        start("sleeps", Load::sleeps);
        Thread hot = new Thread(() -> {
            while (!stop)
                if (!numbers())
                    wrong++;
        }, "hot");
        hot.start();
        Thread.sleep(300);
        System.out.println("READY");
        while (System.in.read() >= 0)
            ;
        stop = true;
        hot.join();
        Thread.sleep(20);
        System.exit(wrong == 0 ? 0 : 1);
    }
}
