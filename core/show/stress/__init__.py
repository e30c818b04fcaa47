"""The stress test of a clip: does its verdict hold under other conditions?"""
