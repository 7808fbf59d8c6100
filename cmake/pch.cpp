// Carries a precompiled header: see cmake/pch.cmake.
